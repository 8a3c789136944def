// What the supervisor of a run does about processes and participants that ended, and about a volume
// without room for them.
#include <fmt/format.h>
#include <unistd.h>

#include "cli/run_supervisor.h"
#include "cli/stored.h"
#include "common/clock.h"
#include "common/disk_space.h"
#include "common/exit_codes.h"

namespace muster::cli {
namespace {

/// Participants that have not heard of the end by then never will: the coordinator is gone.
constexpr std::int64_t kFarewellMs = 1'500;
constexpr std::int64_t kRoomMs = 250;

}  // namespace

Status RunSupervisor::OnCoordinatorExit(const Death& death) {
  SupervisorChild& coordinator = children_.front();
  if (death.exit.IsCode(static_cast<int>(ExitCode::ok))) {
    exit_code_ = static_cast<int>(ExitCode::ok);
    EndAll(Course::finishing, kFarewellMs);
    ExportModel();
    return {};
  }
  if (course_ != Course::running) return {};
  const Result<RestartVerdict> verdict = JudgeAndTell(coordinator, death);
  if (!verdict) return verdict.error();
  if (*verdict == RestartVerdict::hopeless) Fail(death.words);
  if (*verdict == RestartVerdict::too_many) FailAfterMany(coordinator.label(), death);
  return {};
}

void RunSupervisor::ExportModel() {
  const Result<Exported> exported = ExportStored(paths_.state, std::nullopt, paths_.Model(), key_);
  if (exported) return;
  Ending ending = EndingOf(exported.error());
  ending.message =
      "the job is finished, but its model was not exported (start it again to try anew): " +
      ending.message;
  Fail(ending);
}

void RunSupervisor::FailAfterMany(const std::string& who, const Death& death) {
  Ending ending = death.words;
  ending.message = TextOfTooMany(who, death.how, death.words.message);
  Fail(ending);
}

Status RunSupervisor::OnParticipantExit(SupervisorChild& child, Death death) {
  MUSTER_TRY(HearDepartures(child));
  const bool finished = death.exit.IsCode(static_cast<int>(ExitCode::ok)) || child.heard_finish();
  if (finished) child.Retire();
  if (course_ != Course::running || child.ended()) return {};
  for (const std::string& name : child.names()) {
    const std::optional<Ending> vanished = Vanished(name);
    if (!vanished) continue;
    child.Retire();
    MUSTER_TRY(TellLost(child.label(), death.how, *vanished));
    FailBelowQuorum(child.label(), *vanished);
    return {};
  }
  const Result<RestartVerdict> verdict = JudgeAndTell(child, death);
  if (!verdict) return verdict.error();
  if (*verdict == RestartVerdict::too_many) FailAfterMany(child.label(), death);
  if (*verdict == RestartVerdict::hopeless) FailBelowQuorum(child.label(), death.words);
  return {};
}

Status RunSupervisor::HearDepartures(SupervisorChild& child) {
  const std::vector<Departure> departures = child.HearDepartures();
  if (course_ != Course::running || child.heard_finish()) return {};
  for (const auto& [name, ending] : departures) {
    const std::optional<Ending> vanished = Vanished(name);
    if (!vanished && WantsRoom(ending)) {
      child.EndForRoom();
      TellFull(&ending);
      continue;
    }
    MUSTER_TRY(OnDeparture(child, name, vanished.value_or(ending)));
  }
  if (child.names().size() < 2) return {};
  for (const std::string& name : child.names()) {
    if (const auto vanished = Vanished(name)) MUSTER_TRY(OnDeparture(child, name, *vanished));
  }
  return {};
}

Status RunSupervisor::OnDeparture(SupervisorChild& child, const std::string& name,
                                  const Ending& ending) {
  if (!child.GiveUp(name)) return {};
  MUSTER_TRY(TellLost(name, fmt::format("code {}", ending.exit_code), ending));
  FailBelowQuorum(name, ending);
  return {};
}

std::optional<Ending> RunSupervisor::Vanished(const std::string& name) const {
  const std::string directory = paths_.Participant(name);
  if (::access(directory.c_str(), F_OK) == 0) return std::nullopt;
  return EndingOf({Reason::io_failed, fmt::format("its state directory {} is gone; the same "
                                                  "command makes a new one, with a new key",
                                                  directory)});
}

std::uint64_t RunSupervisor::ParticipantsLeft() const {
  std::uint64_t left = 0;
  for (const SupervisorChild& child : children_) left += child.participants_left();
  return left;
}

void RunSupervisor::FailBelowQuorum(const std::string& who, const Ending& last) {
  const std::uint64_t left = ParticipantsLeft();
  if (course_ != Course::running || left >= config_.job.round.quorum) return;
  Ending ending = last;
  ending.message = fmt::format(
      "{} is lost and {} of {} participants are left, fewer than round.quorum = {}; {} said: {}",
      who, left, config_.run.participants, config_.job.round.quorum, who, TextOf(last));
  Fail(ending);
}

Result<RestartVerdict> RunSupervisor::JudgeAndTell(SupervisorChild& child, const Death& death) {
  const bool full = child.ends_for_room() || WantsRoom(death.words);
  const RestartDecision decision = child.Judge(death.exit, full, MonotonicNow());
  if (decision.verdict == RestartVerdict::no_room) {
    TellFull(&death.words);
    return decision.verdict;
  }
  if (decision.verdict != RestartVerdict::again) {
    MUSTER_TRY(TellLost(child.label(), death.how, death.words));
    return decision.verdict;
  }
  const std::string words = TextOf(death.words);
  live_.note = fmt::format("{} ended ({}) {}", child.label(), death.how, words);
  live_.restarts[child.label()] = child.restarts();
  MUSTER_TRY(
      Outlive(events_->Append(RestartLine(child.label(), child.restarts(), death.how, words))));
  return decision.verdict;
}

Status RunSupervisor::TellLost(const std::string& who, const std::string& how, const Ending& last) {
  live_.note = fmt::format("{} is lost ({}) {}", who, how, TextOf(last));
  return Outlive(events_->Append(LostLine(who, how, TextOf(last))));
}

bool RunSupervisor::LacksRoom() const {
  const Result<std::uint64_t> free_bytes = FreeBytes(paths_.state);
  return free_bytes && *free_bytes < kRoomReserveBytes;
}

bool RunSupervisor::WantsRoom(const Ending& ending) const {
  if (ending.exit_code != static_cast<int>(ExitCode::io_failed)) return false;
  // It may have met a full disk that has room again, or have asked for more than the reserve.
  return ending.reason == Reason::disk_full || LacksRoom();
}

void RunSupervisor::WatchRoom() {
  const MonotonicMs now = MonotonicNow();
  if (course_ != Course::running || now < room_at_ms_) return;
  room_at_ms_ = now + kRoomMs;
  if (LacksRoom()) TellFull();
}

void RunSupervisor::TellFull(const Ending* words) {
  if (full_told_ || course_ != Course::running) return;
  full_told_ = true;
  const std::uint64_t free_bytes = FreeBytes(paths_.state).value_or(0);
  live_.note = fmt::format(
      "disk_full: the volume of {} has {} bytes free; the run waits and goes on by itself once "
      "there is room",
      paths_.state, free_bytes);
  // How much is wanted, where it is more than what is free.
  if (words != nullptr && !words->message.empty()) live_.note += ": " + words->message;
  Tell(DiskFullLine(paths_.state, free_bytes, live_.note));
}

}  // namespace muster::cli
