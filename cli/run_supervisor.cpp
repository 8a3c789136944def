#include "cli/run_supervisor.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "common/clock.h"
#include "common/exit_codes.h"
#include "coordinator/runtime/admin_client.h"

namespace muster::cli {
namespace {

constexpr int kTickMs = 50;
constexpr std::int64_t kStatusMs = 200;
constexpr std::chrono::milliseconds kStatusTimeout{200};
constexpr std::int64_t kKillMs = 10'000;
constexpr std::int64_t kHostsMs = 200;
/// A child that was told to end and has not by then is told of.
constexpr std::int64_t kPatienceMs = 2'000;

std::string GroupLabel(const std::vector<std::string>& names) {
  return names.size() == 1 ? names.front() : names.front() + ".." + names.back();
}

}  // namespace

RunSupervisor::RunSupervisor(const Config& config, RunPaths paths, StateKey key, int signal_fd,
                             RunOutput& output)
    : config_(config),
      paths_(std::move(paths)),
      key_(std::move(key)),
      signal_fd_(signal_fd),
      output_(output),
      tail_(paths_.Events(), ReadShown(paths_.Shown(), paths_.Events())),
      started_ms_(MonotonicNow()) {
  live_.job = config_.job.name;
  live_.rounds = config_.core.rounds;
}

void RunSupervisor::AddChildren() {
  children_.emplace_back(
      "coordinator", std::vector<std::string>(),
      std::vector<std::string>{"coordinator", paths_.EffectiveConfig(), "--state-dir", paths_.state,
                               "--quiet", "--format", "json"},
      paths_.CoordinatorLog());
  const std::uint32_t all = config_.run.participants;
  for (std::uint32_t first = 0; first < all; first += config_.run.per_process) {
    const std::uint32_t count = std::min(config_.run.per_process, all - first);
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < count; ++i) {
      names.push_back(ParticipantName(config_.run.names, first + i));
    }
    std::vector<std::string> arguments = {"participant",
                                          "--name",
                                          config_.run.names,
                                          "--first",
                                          fmt::format("{}", first),
                                          "--count",
                                          fmt::format("{}", count),
                                          "--state-dir",
                                          paths_.Participants(),
                                          "--endpoints",
                                          paths_.Endpoints(),
                                          "--threads",
                                          fmt::format("{}", config_.run.threads),
                                          "--format",
                                          "json"};
    if (!config_.data.dir.empty()) {
      arguments.insert(arguments.end(), {"--data-dir", config_.data.dir});
    }
    const std::string log = paths_.Participant(names.front()) + "/participant.log";
    const std::string label = GroupLabel(names);
    children_.emplace_back(label, std::move(names), std::move(arguments), log);
  }
}

Result<int> RunSupervisor::Run() {
  Result<LineLog> events = LineLog::Open(paths_.Events());
  if (!events) return events.error();
  events_ = std::move(*events);
  AddChildren();
  Guard(StartDue());
  while (!IsOver()) {
    WaitForSignals();
    Guard(Reap());
    Guard(HearHosts());
    Guard(ReadEvents());
    WatchRoom();
    Guard(StartDue());
    Escalate();
    TellWaiting();
    Show();
  }
  return Conclude();
}

void RunSupervisor::Guard(const Status& step) {
  if (step) return;
  live_.note = step.error().Text();
  if (course_ == Course::running) {
    Fail(EndingOf(step.error()));
  }
}

void RunSupervisor::WaitForSignals() {
  pollfd waiting = {signal_fd_, POLLIN, 0};
  ::poll(&waiting, 1, kTickMs);
  signalfd_siginfo signal = {};
  while (::read(signal_fd_, &signal, sizeof(signal)) == sizeof(signal)) {
    if (signal.ssi_signo == SIGCHLD) continue;
    // Asked twice: whoever asks has no patience left. States survive a kill.
    if (course_ == Course::draining) kill_at_ms_ = 0;
    if (course_ == Course::running) EndAll(Course::draining, 0);
  }
}

Status RunSupervisor::Reap() {
  bool changed = false;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    const std::optional<ChildExit> exit = children_[i].Reap();
    if (!exit) continue;
    changed = true;
    const Death death = {*exit, exit->Text(), children_[i].LastWords(*exit)};
    // Each that ended is heard, whatever became of telling of another.
    Guard(i == 0 ? OnCoordinatorExit(death) : OnParticipantExit(children_[i], death));
  }
  return changed ? SaveRunState() : Status();
}

Status RunSupervisor::HearHosts() {
  const MonotonicMs now = MonotonicNow();
  if (now < hosts_at_ms_) return {};
  hosts_at_ms_ = now + kHostsMs;
  for (SupervisorChild& child : children_) {
    if (child.pid() > 0) MUSTER_TRY(HearDepartures(child));
  }
  return {};
}

Status RunSupervisor::Outlive(const Status& written) {
  if (written) return written;
  const Reason reason = written.error().reason;
  if (reason != Reason::disk_full && reason != Reason::state_in_use) return written;
  live_.note = written.error().message;
  return {};
}

void RunSupervisor::Fail(const Ending& ending) {
  exit_code_ = ending.exit_code;
  failure_ = ending;
  EndAll(Course::failing, 0);
}

void RunSupervisor::EndAll(Course course, std::int64_t term_in_ms) {
  course_ = course;
  for (SupervisorChild& child : children_) child.Retire();
  term_at_ms_ = MonotonicNow() + term_in_ms;
  kill_at_ms_ = term_at_ms_ + config_.core.drain_ms + kKillMs;
  tell_at_ms_ = term_at_ms_ + kPatienceMs;
}

void RunSupervisor::TellWaiting() {
  const std::int64_t now = MonotonicNow();
  if (course_ == Course::running || now < tell_at_ms_) return;
  tell_at_ms_ = std::numeric_limits<std::int64_t>::max();  // Once: the message says what follows.
  for (const SupervisorChild& child : children_) {
    if (child.pid() == 0) continue;
    const std::string words = fmt::format(
        "waiting for {} (pid {}) to end; it is killed in {} s, or at once if asked again",
        child.label(), child.pid(), std::max<std::int64_t>(kill_at_ms_ - now, 0) / 1000);
    // Whom it waits for may have been stopped while it wrote into the log.
    Tell(WaitingLine(child.label(), words));
    live_.note = words;
  }
}

void RunSupervisor::Escalate() {
  if (course_ == Course::running) return;
  const std::int64_t now = MonotonicNow();
  int signal = 0;
  if (term_at_ms_ > 0 && now >= term_at_ms_) signal = SIGTERM;
  if (now >= kill_at_ms_) signal = SIGKILL;
  if (signal == 0) return;
  term_at_ms_ = 0;  // SIGTERM once: a second one means haste.
  for (const SupervisorChild& child : children_) child.Signal(signal);
}

Status RunSupervisor::ReadEvents() {
  const std::uint64_t before = tail_.offset();
  const auto lines = tail_.Poll();
  if (!lines) return lines.error();
  for (const std::string& line : *lines) {
    const Result<RunEvent> event = ParseEvent(line);
    if (event) OnEvent(*event);
  }
  if (tail_.offset() == before) return {};
  return Outlive(WriteShown(paths_.Shown(), tail_.offset()));
}

void RunSupervisor::OnEvent(const RunEvent& event) {
  switch (event.kind) {
    case EventKind::version:
      live_.last_version = event;
      status_wanted_ = true;
      for (SupervisorChild& child : children_) child.OnProgress();
      full_told_ = full_told_ && LacksRoom();
      break;
    case EventKind::attempt:
      status_wanted_ = true;
      break;
    case EventKind::started:
      end_.reset();
      coordinator_pid_ = static_cast<int>(event.pid);
      break;
    case EventKind::finished:
    case EventKind::drained:
    case EventKind::failed:
      end_ = event;
      // The coordinator's last word counts more than what it answered on the way.
      if (!event.refusals.empty()) refusals_[coordinator_pid_] = event.refusals;
      break;
    default:
      break;
  }
  last_line_ = event.line;
  output_.OnEvent(event);
}

Status RunSupervisor::StartDue() {
  const std::int64_t now = MonotonicNow();
  const bool bound = FileBytes(paths_.Endpoints()) > 0;
  bool changed = false;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (!children_[i].IsDue(now) || (i > 0 && !bound)) continue;
    changed = true;
    const Status started = children_[i].Start();
    if (started) continue;
    const Ending ending = EndingOf(started.error());
    const Death death = {{false, ending.exit_code}, "not started", ending};
    MUSTER_TRY(i == 0 ? OnCoordinatorExit(death) : OnParticipantExit(children_[i], death));
  }
  return changed ? SaveRunState() : Status();
}

void RunSupervisor::AskStatus() {
  const auto reply = AskCoordinator(paths_.state, R"({"command":"status"})", kStatusTimeout);
  const Result<StatusSnapshot> status =
      reply ? ParseStatus(*reply) : Result<StatusSnapshot>(reply.error());
  live_.status.reset();
  if (!status) return;
  live_.status = *status;
  refusals_[status->pid] = status->refusals;
}

void RunSupervisor::Show() {
  const std::int64_t now = MonotonicNow();
  const bool picture = output_.WantsStatus() && now >= status_at_ms_;
  if (!picture && !status_wanted_) return;
  status_at_ms_ = now + kStatusMs;
  status_wanted_ = false;
  AskStatus();
  live_.seconds = static_cast<double>(now - started_ms_) / 1000;
  output_.OnTick(live_);
}

bool RunSupervisor::IsOver() const {
  return std::ranges::all_of(children_, &SupervisorChild::ended);
}

Status RunSupervisor::SaveRunState() {
  RunState state;
  state.supervisor_pid = ::getpid();
  for (const SupervisorChild& child : children_) {
    RunProcess process = {child.names(), child.pid(), child.restarts()};
    if (child.names().empty()) {
      state.coordinator = std::move(process);
    } else {
      state.processes.push_back(std::move(process));
    }
  }
  return Outlive(WriteRunState(paths_.RunFile(), state));
}

int RunSupervisor::Conclude() {
  Guard(ReadEvents());
  const std::uint64_t version = live_.last_version ? live_.last_version->version : 0;
  if (course_ == Course::draining) {
    exit_code_ = static_cast<int>(ExitCode::drained);
    if (!end_) Tell(DrainedLine(version, "the coordinator was not there to say so"));
  } else if (course_ == Course::failing) {
    Tell(FailedLine(failure_));
  } else if (!end_) {
    exit_code_ = static_cast<int>(ExitCode::failure);
    Tell(FailedLine({Reason::internal,
                     "the coordinator ended well, but " + paths_.Events() +
                         " does not tell of it (was it removed?); "
                         "the same command writes it anew",
                     exit_code_}));
  }
  RunSummary summary = Summarise();
  if (course_ == Course::finishing) summary.model_path = paths_.Model();
  Tell(SummaryLine(summary));
  output_.Finish(summary);
  return exit_code_;
}

void RunSupervisor::Tell(const std::string& line) {
  Guard(ReadEvents());
  const Status written = events_->Append(line);
  if (written) Guard(ReadEvents());
  if (last_line_ == line) return;
  // The log cannot be written or read: whoever looks on hears of it all the same.
  const Result<RunEvent> event = ParseEvent(line);
  if (event) OnEvent(*event);
}

RunSummary RunSupervisor::Summarise() const {
  RunSummary summary;
  summary.end = end_;
  summary.last_version = live_.last_version;
  summary.rounds = config_.core.rounds;
  for (const SupervisorChild& child : children_) {
    if (child.restarts() > 0) summary.restarts.emplace_back(child.label(), child.restarts());
  }
  for (const auto& [pid, counts] : refusals_) {
    for (const auto& [reason, count] : counts) summary.refusals[reason] += count;
  }
  summary.seconds = static_cast<double>(MonotonicNow() - started_ms_) / 1000;
  return summary;
}

}  // namespace muster::cli
