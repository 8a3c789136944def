#include "cli/supervisor_child.h"

#include <signal.h>

#include <chrono>
#include <utility>

namespace muster::cli {

std::int64_t NowMs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

SupervisorChild::SupervisorChild(std::string label, std::vector<std::string> names,
                                 std::vector<std::string> arguments, std::string log_path)
    : label_(std::move(label)),
      names_(std::move(names)),
      arguments_(std::move(arguments)),
      log_path_(std::move(log_path)) {}

Status SupervisorChild::Start() {
  log_offset_ = FileBytes(log_path_);
  const Result<pid_t> pid = StartChild(arguments_, log_path_);
  if (!pid) return pid.error();
  pid_ = *pid;
  return {};
}

std::optional<ChildExit> SupervisorChild::Reap() {
  if (pid_ == 0) return std::nullopt;
  const std::optional<ChildExit> exit = ReapChild(pid_);
  if (!exit) return std::nullopt;
  pid_ = 0;
  ended_ = retired_;
  return exit;
}

std::string SupervisorChild::LastWords(const ChildExit& exit) const {
  if (exit.signalled && exit.number == SIGKILL) return "";
  return LastLine(log_path_, log_offset_);
}

RestartDecision SupervisorChild::Judge(const ChildExit& exit, std::int64_t now_ms) {
  const RestartDecision decision = policy_.OnExit(exit);
  if (decision.verdict == RestartVerdict::again) {
    start_at_ms_ = now_ms + decision.delay_ms;
  } else {
    Retire();
  }
  return decision;
}

void SupervisorChild::Signal(int signal_number) const {
  if (pid_ > 0) ::kill(pid_, signal_number);
}

}  // namespace muster::cli
