// One process of a run: when it is to be started, when it was, how it ended.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/child_process.h"
#include "cli/event_tail.h"
#include "cli/restart_policy.h"
#include "cli/run_event.h"
#include "common/error.h"

namespace muster::cli {

/// One of several participants of a process that goes on without it.
struct Departure {
  std::string name;
  Ending ending;
};

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
  /// Why it ended, as it said itself; process_died where it said nothing that names a reason, with
  /// its last line as the message (none after a SIGKILL, which no words explain); io_failed where a
  /// failing disk took no words.
  Ending LastWords(const ChildExit& exit) const;

  /// Who of several said since the last call that they gave up, for good or until the next start.
  /// Nobody for a child of one: its exit says it.
  std::vector<Departure> HearDepartures();
  /// Counts the participant as gone until the next start; false if it was already.
  bool GiveUp(const std::string& name) { return given_up_.insert(name).second; }
  /// True once one of several said that the job is finished.
  bool heard_finish() const { return heard_finish_; }
  /// Participants that take part or will after a start.
  std::size_t participants_left() const { return ended_ ? 0 : names_.size() - given_up_.size(); }
  /// One of several gave up for want of room: they are told to end, to be started again together.
  void EndForRoom();
  /// True from then until the next start.
  bool ends_for_room() const { return ends_for_room_; }

  /// Judges an end; after `again` and `no_room` it is due when the delay is over, after others
  /// never. `volume_full`: as RestartPolicy's.
  RestartDecision Judge(const ChildExit& exit, bool volume_full, std::int64_t now_ms);
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
  std::optional<EventTail> said_;  ///< Since it was started.
  std::set<std::string> given_up_;
  bool heard_finish_ = false;
  bool ends_for_room_ = false;
  bool retired_ = false;
  bool ended_ = false;
};

}  // namespace muster::cli
