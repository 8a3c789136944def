// One process of a run: when it is to be started, when it was, how it ended.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/child_process.h"
#include "cli/restart_policy.h"
#include "common/error.h"

namespace muster::cli {

/// Milliseconds of the monotonic clock.
std::int64_t NowMs();

class SupervisorChild {
 public:
  /// `names`: the participants hosted by it; empty for the coordinator. Due at once.
  SupervisorChild(std::string label, std::vector<std::string> names,
                  std::vector<std::string> arguments, std::string log_path);

  const std::string& label() const { return label_; }
  const std::vector<std::string>& names() const { return names_; }
  pid_t pid() const { return pid_; }  ///< 0 while it does not run.
  bool ended() const { return ended_; }
  std::uint32_t restarts() const { return policy_.restarts(); }
  bool IsDue(std::int64_t now_ms) const { return !ended_ && pid_ == 0 && now_ms >= start_at_ms_; }

  /// Errors: io_failed. REQUIRES: due.
  Status Start();
  /// How it ended since it was started, once; nothing while it runs.
  std::optional<ChildExit> Reap();
  /// What it said last before it ended; empty for a SIGKILL, which no words explain.
  std::string LastWords(const ChildExit& exit) const;
  /// Judges an end; after `again` it is due when the delay is over, after others never.
  RestartDecision Judge(const ChildExit& exit, std::int64_t now_ms);
  void OnProgress() { policy_.OnProgress(); }
  /// Never to be started again.
  void Retire() { retired_ = true, ended_ = pid_ == 0; }
  void Signal(int signal_number) const;

 private:
  std::string label_;
  std::vector<std::string> names_;
  std::vector<std::string> arguments_;
  std::string log_path_;
  RestartPolicy policy_;
  pid_t pid_ = 0;
  std::int64_t start_at_ms_ = 0;
  std::uint64_t log_offset_ = 0;
  bool retired_ = false;
  bool ended_ = false;
};

}  // namespace muster::cli
