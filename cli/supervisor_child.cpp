#include "cli/supervisor_child.h"

#include <signal.h>

#include <utility>

#include "common/exit_codes.h"

namespace muster::cli {

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
  said_.emplace(log_path_, log_offset_);
  given_up_.clear();
  heard_finish_ = false;
  ends_for_room_ = false;
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

Ending SupervisorChild::LastWords(const ChildExit& exit) const {
  const bool telling = !exit.signalled && exit.number > static_cast<int>(ExitCode::failure) &&
                       exit.number != static_cast<int>(ExitCode::drained);
  const int code = telling ? exit.number : static_cast<int>(ExitCode::failure);
  if (exit.signalled && exit.number == SIGKILL) return {Reason::process_died, "", code};
  const std::string line = LastLine(log_path_, log_offset_);
  const Result<RunEvent> event = ParseEvent(line);
  const std::optional<Reason> reason = event ? ReasonFromName(event->reason) : std::nullopt;
  // A full disk takes no last words.
  if (line.empty() && code == static_cast<int>(ExitCode::io_failed)) {
    return {Reason::io_failed, "a disk failed or is full; its log could take no more", code};
  }
  if (!reason) return {Reason::process_died, line, code};
  return {*reason, event->message, code};
}

std::vector<Departure> SupervisorChild::HearDepartures() {
  std::vector<Departure> departures;
  if (names_.size() < 2 || !said_) return departures;
  while (true) {
    // A log that cannot be read tells nothing; its process has its own way to end.
    const auto lines = said_->Poll();
    if (!lines || lines->empty()) return departures;
    for (const std::string& line : *lines) {
      const Result<RunEvent> event = ParseEvent(line);
      if (!event || event->kind != EventKind::ended) continue;
      const int code = event->exit_code.value_or(static_cast<int>(ExitCode::failure));
      heard_finish_ = heard_finish_ || code == static_cast<int>(ExitCode::ok);
      const bool well =
          code == static_cast<int>(ExitCode::ok) || code == static_cast<int>(ExitCode::drained);
      if (well) continue;
      const Reason reason = ReasonFromName(event->reason).value_or(Reason::process_died);
      departures.push_back({event->who, {reason, event->message, code}});
    }
  }
}

void SupervisorChild::EndForRoom() {
  if (!ends_for_room_) Signal(SIGTERM);
  ends_for_room_ = true;
}

RestartDecision SupervisorChild::Judge(const ChildExit& exit, bool volume_full,
                                       std::int64_t now_ms) {
  const RestartDecision decision = policy_.OnExit(exit, volume_full);
  if (decision.verdict == RestartVerdict::again || decision.verdict == RestartVerdict::no_room) {
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
