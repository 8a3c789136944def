// `muster run`, `muster coordinator`, `muster participant`: the commands that stay.
#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <optional>

#include "checkpoint/mirror_files.h"
#include "cli/accept_loss.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/event_follower.h"
#include "cli/identity.h"
#include "cli/run_files.h"
#include "cli/run_setup.h"
#include "cli/run_supervisor.h"
#include "common/address.h"
#include "common/exit_codes.h"
#include "common/file.h"
#include "common/names.h"
#include "common/open_files.h"
#include "coordinator/runtime/accept_loss.h"
#include "coordinator/runtime/server.h"
#include "participant/runtime/host.h"
#include "transport/endpoints_file.h"

namespace muster::cli {
namespace {

/// From here on the signals come through the descriptor alone. Called before any thread is made:
/// threads inherit what is blocked.
Result<FileDescriptor> TakeSignals(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : signals) ::sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  FileDescriptor fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd.valid()) return SystemError(Reason::io_failed, "make", "signalfd", errno);
  return fd;
}

Result<int> TellFinishedAgain(const RunSummary& summary, const RunPaths& paths, const StateKey& key,
                              Format format) {
  MUSTER_TRY(EnsureExported(*summary.end, paths, key));
  Print(format == Format::json ? summary.end->line + "\n"
                               : "This job is finished already.\n" + RenderSummary(summary));
  return static_cast<int>(ExitCode::ok);
}

/// The children inherit the limit: what they would find is found here.
Status CheckOpenFiles(const Config& config) {
  const std::uint64_t all = config.run.participants;
  const std::uint64_t hosted = std::min<std::uint64_t>(all, config.run.per_process);
  MUSTER_TRY(EnsureOpenFiles("the coordinator of " + std::to_string(all) + " participants",
                             CoordinatorFiles(all)));
  return EnsureOpenFiles("a process of " + std::to_string(hosted) + " participants",
                         HostFiles(hosted));
}

Result<int> RunOn(const Config& config, const RunPaths& paths, const StateKey& key, Format format,
                  int signal_fd) {
  const auto finished = FindFinished(config, paths, key);
  if (!finished) return finished.error();
  if (*finished) return TellFinishedAgain(**finished, paths, key, format);
  MUSTER_TRY(PrepareRun(config, paths, key));
  const std::unique_ptr<RunOutput> output = MakeRunOutput(format);
  RunSupervisor supervisor(config, paths, key, signal_fd, *output);
  return supervisor.Run();
}

Result<int> Supervise(const Arguments& arguments) {
  const Result<Config> config = LoadConfig(arguments.config, arguments.sets);
  if (!config) return config.error();
  const std::string state_dir =
      arguments.state_dir.empty() ? "muster-state/" + config->job.name : arguments.state_dir;
  const RunPaths paths{state_dir};
  const Result<FileDescriptor> signals = TakeSignals({SIGTERM, SIGINT, SIGHUP, SIGCHLD});
  if (!signals) return signals.error();
  MUSTER_TRY(CheckIsNoMirror(state_dir));
  MUSTER_TRY(CheckOpenFiles(*config));
  MUSTER_TRY(MakeDirectories(state_dir, 0700));
  const Result<FileLock> lock = FileLock::Acquire(paths.Lock());
  if (!lock) return lock.error();
  const Result<StateKey> key = FindStateKey(config->key_file);
  MUSTER_TRY(key);
  // Here, not in the coordinator: who is enrolled must be read first, and a coordinator that is
  // started again must not accept anything anew.
  MUSTER_TRY(AcceptLossIfAsked(arguments, state_dir, *key, config->mirror));
  const Result<int> exit_code = RunOn(*config, paths, *key, arguments.format, signals->get());
  if (!exit_code)
    return coordinator::ExplainDamage(exit_code.error(), state_dir, *key, config->mirror);
  return exit_code;
}

Result<std::vector<ParticipantSpec>> Participants(const Arguments& arguments) {
  if (!IsName(arguments.name)) {
    return Error{Reason::flag_invalid,
                 "--name " + arguments.name + " is no name, which has " + std::string(kNameRule)};
  }
  std::vector<ParticipantSpec> specs;
  if (!arguments.count) {
    specs.push_back({arguments.name, arguments.state_dir});
    return specs;
  }
  for (std::uint32_t i = 0; i < *arguments.count; ++i) {
    const std::string name = ParticipantName(arguments.name, arguments.first + i);
    specs.push_back({name, arguments.state_dir + "/" + name});
  }
  return specs;
}

Status CheckConnect(const std::string& flag, const std::string& address) {
  const std::string fault = ConnectAddressFault(address);
  if (fault.empty()) return {};
  return Error{Reason::flag_invalid, flag + " " + address + " is no address: " + fault};
}

Result<HostOptions> HostOptionsOf(const Arguments& arguments) {
  HostOptions options;
  auto participants = Participants(arguments);
  if (!participants) return participants.error();
  options.participants = std::move(*participants);
  options.threads = arguments.threads;
  options.data.dir = arguments.data_dir;
  options.endpoints_file = arguments.endpoints;
  if (!arguments.endpoints.empty()) {
    // A file that is not there yet is waited for: the coordinator writes it once it listens.
    const auto target = ReadEndpoints(arguments.endpoints);
    if (!target && target.error().reason != Reason::not_found) return target.error();
    return options;
  }
  if (arguments.connect.empty() || arguments.connect_bulk.empty() || arguments.server_key.empty()) {
    return Error{Reason::flag_invalid,
                 "say where the coordinator is: --endpoints FILE, or --connect, --connect-bulk and "
                 "--server-key together"};
  }
  MUSTER_TRY(CheckConnect("--connect", arguments.connect));
  MUSTER_TRY(CheckConnect("--connect-bulk", arguments.connect_bulk));
  const Result<PublicKey> server_key =
      ReadPublicKey("--server-key", "the coordinator (coordinator.pub in its state directory)",
                    arguments.server_key);
  if (!server_key) return server_key.error();
  options.target = {arguments.connect, arguments.connect_bulk, *server_key};
  return options;
}

/// The outcome to end with: the first that is neither finished nor left, else one that left.
const RunOutcome* Gravest(const std::vector<RunOutcome>& outcomes) {
  const RunOutcome* gravest = nullptr;
  const auto rank = [](const RunOutcome& outcome) {
    const ExitCode code = ExitCodeFor(outcome.reason);
    return code == ExitCode::ok ? 0 : code == ExitCode::drained ? 1 : 2;
  };
  for (const RunOutcome& outcome : outcomes) {
    if (gravest == nullptr || rank(outcome) > rank(*gravest)) gravest = &outcome;
  }
  return gravest;
}

}  // namespace

int RunRun(const Arguments& arguments) {
  const Result<int> exit_code = Supervise(arguments);
  return exit_code ? *exit_code : Fail(exit_code.error(), arguments.format);
}

int RunCoordinatorCommand(const Arguments& arguments) {
  const Result<Config> config = LoadConfig(arguments.config, arguments.sets);
  if (!config) return Fail(config.error(), arguments.format);
  const Status state = CheckIsNoMirror(arguments.state_dir);
  if (!state) return Fail(state.error(), arguments.format);
  const Result<FileDescriptor> signals = TakeSignals({SIGTERM, SIGINT});
  if (!signals) return Fail(signals.error(), arguments.format);
  const Result<StateKey> key = FindStateKey(config->key_file);
  if (!key) return Fail(key.error(), arguments.format);
  const Status accepted = AcceptLossIfAsked(arguments, arguments.state_dir, *key, config->mirror);
  if (!accepted) return Fail(accepted.error(), arguments.format);
  ServerOptions options;
  options.state_dir = arguments.state_dir;
  options.state_key = *key;
  options.listen_control = config->listen;
  options.listen_bulk = config->bulk_listen;
  options.fold_threads = config->fold_threads;
  options.initial_model = config->initial_model;
  options.mirror = config->mirror;
  options.data = config->data;
  options.core = config->core;
  std::optional<EventFollower> follower;
  if (!arguments.quiet) {
    follower.emplace(RunPaths{arguments.state_dir}.Events(), arguments.format);
  }
  Result<RunOutcome> outcome = RunCoordinator(config->job, options, signals->get());
  follower.reset();
  if (!outcome) {
    return Fail(
        coordinator::ExplainDamage(outcome.error(), arguments.state_dir, *key, config->mirror),
        arguments.format);
  }
  if (outcome->reason == Reason::damage) {
    outcome->text = coordinator::ExplainDamage({outcome->reason, outcome->text},
                                               arguments.state_dir, *key, config->mirror)
                        .message;
  }
  return Report("coordinator", *outcome, arguments.format);
}

int RunParticipantCommand(const Arguments& arguments) {
  Result<HostOptions> options = HostOptionsOf(arguments);
  if (!options) return Fail(options.error(), arguments.format);
  const std::size_t hosted = options->participants.size();
  const Status files = EnsureOpenFiles("a process of " + std::to_string(hosted) + " participants",
                                       HostFiles(hosted));
  if (!files) return Fail(files.error(), arguments.format);
  const Result<FileDescriptor> signals = TakeSignals({SIGTERM, SIGINT});
  if (!signals) return Fail(signals.error(), arguments.format);
  options->on_end = [&](std::size_t i, const RunOutcome& outcome) {
    Report(options->participants[i].name, outcome, arguments.format);
  };
  const auto outcomes = RunParticipants(*options, signals->get());
  if (!outcomes) return Fail(outcomes.error(), arguments.format);
  return static_cast<int>(ExitCodeFor(Gravest(*outcomes)->reason));
}

}  // namespace muster::cli
