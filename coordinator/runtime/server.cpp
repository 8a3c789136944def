#include "coordinator/runtime/server.h"

#include <memory>
#include <optional>
#include <utility>

#include "aggregation/floating_point.h"
#include "aggregation/strategy.h"
#include "checkpoint/memory_spool.h"
#include "checkpoint/mirror_start.h"
#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "common/file.h"
#include "common/limits.h"
#include "common/open_files.h"
#include "common/random.h"
#include "coordinator/runtime/disk_demand.h"
#include "coordinator/runtime/serve.h"
#include "transport/endpoints_file.h"
#include "transport/keys.h"
#include "transport/zmq_transport.h"

namespace muster {
namespace {

constexpr mode_t kStateDirMode = 0700;

Status CheckOptions(const JobSpec& job, const ServerOptions& options) {
  MUSTER_TRY(ValidateJob(job));
  if (options.state_dir.empty()) return Error{Reason::config_invalid, "no state directory given"};
  if (options.fold_threads == 0 || options.fold_threads > limits::kFoldThreadsMax) {
    return Error{Reason::config_invalid, "coordinator.fold_threads goes from 1 to " +
                                             std::to_string(limits::kFoldThreadsMax) + ", not " +
                                             std::to_string(options.fold_threads)};
  }
  return CheckFloatingPoint();
}

Status CheckOpenFiles(std::size_t participants) {
  return EnsureOpenFiles("the coordinator of " + std::to_string(participants) + " participants",
                         CoordinatorFiles(participants));
}

/// The key pair of the state directory, made at the first start.
Result<KeyPair> EnsureKeys(const std::string& state_dir) {
  const std::string path = state_dir + "/coordinator.key";
  Result<KeyPair> keys = LoadKeyPair(path);
  if (!keys && keys.error().reason == Reason::not_found) {
    keys = GenerateKeyPair();
    MUSTER_TRY(keys);
    MUSTER_TRY(SaveKeyPair(path, *keys));
  }
  MUSTER_TRY(keys);
  MUSTER_TRY(SavePublicKey(state_dir + "/coordinator.pub", keys->public_key));
  return keys;
}

/// Where an earlier start listened; nothing if there was none.
Result<std::optional<ClientTransport::Target>> EarlierEndpoints(const std::string& path) {
  auto earlier = ReadEndpoints(path);
  if (earlier) return std::optional(std::move(*earlier));
  if (earlier.error().reason == Reason::not_found) return std::optional<ClientTransport::Target>();
  Error error = std::move(earlier.error());
  error.message += "; remove it to let the system choose new ports";
  return error;
}

/// Binds where participants of an earlier start will look, and says where that is.
Result<std::unique_ptr<ZmqServer>> BindSockets(const ServerOptions& options, const KeyPair& keys,
                                               KeyGate& gate) {
  const std::string path = options.state_dir + "/endpoints.json";
  const auto earlier = EarlierEndpoints(path);
  MUSTER_TRY(earlier);
  const auto before = earlier->value_or(ClientTransport::Target{});
  auto server = ZmqServer::Bind({KeepPort(options.listen_control, before.control_endpoint),
                                 KeepPort(options.listen_bulk, before.bulk_endpoint)},
                                keys, gate);
  if (!server) {
    Error error = server.error();
    if (error.reason == Reason::config_invalid) {
      error.message +=
          "; coordinator.listen and coordinator.bulk_listen must be addresses of this machine and "
          "ports that this user may listen at";
    } else if (*earlier) {
      error.message += "; participants know this coordinator under the ports in " + path +
                       ": free them, or remove the file to let the system choose new ones";
    }
    return error;
  }
  MUSTER_TRY(WriteEndpoints(
      path, {(*server)->control().endpoint(), (*server)->bulk().endpoint(), keys.public_key}));
  return server;
}

Result<RunOutcome> RunLogged(const JobSpec& job, const ServerOptions& options, int signal_fd,
                             coordinator::ProcessLog& log) {
  MUSTER_TRY(CheckOpenFiles(0));  // To see who is enrolled, the store must be opened.
  auto store = OpenCheckpointStore(options.state_dir, OpenMode::create_or_open, options.state_key);
  MUSTER_TRY(store);
  const RecoveredState& recovered = (*store)->recovered();
  if (!options.mirror.empty() && !recovered.head) {
    MUSTER_TRY(CheckMirrorIsNew(options.mirror, options.state_dir));
  }
  MUSTER_TRY(CheckOpenFiles(recovered.roster.size()));
  auto keys = EnsureKeys(options.state_dir);
  MUSTER_TRY(keys);
  auto spool = AcceptOf(job.round) == Accept::memory
                   ? Result<std::unique_ptr<Spool>>(CreateMemorySpool())
                   : OpenSpool(options.state_dir, options.state_key);
  MUSTER_TRY(spool);
  // Part 0 stands for any: a coordinator makes the first model and evaluates, it never trains.
  auto trainer = CreateTrainer(job, 0, options.data);
  MUSTER_TRY(trainer);
  const std::unique_ptr<Strategy> strategy = CreateStrategy(job);
  const RetentionPolicy& retention = options.core.retention;
  const auto demand = coordinator::DemandOf(job, retention, **trainer, *strategy);
  MUSTER_TRY(demand);
  // Refused now rather than in the middle of a round.
  MUSTER_TRY(
      coordinator::CheckStateRoom(*demand, retention, (*store)->HeldVersions(), options.state_dir));
  auto start = coordinator::Bootstrap(**store, **spool, job, {SystemRandom(), SystemRandom()},
                                      {**trainer, options.initial_model}, *strategy);
  MUSTER_TRY(start);
  coordinator::RosterGate gate;
  gate.ObserveFailures([&log](Reason reason, std::uint64_t count, const std::string& text) {
    log.Warn("connections failed", {{"reason", std::string(ReasonName(reason))},
                                    {"count", std::to_string(count)},
                                    {"text", text}});
  });
  // From the first handshake on: a participant that was refused waits long before it tries again.
  gate.SetRoster(start->state.roster);
  auto server = BindSockets(options, *keys, gate);
  MUSTER_TRY(server);
  const coordinator::ServeParts parts{
      **store, **spool, **trainer, *strategy, (*server)->control(), (*server)->bulk(), gate, log};
  return coordinator::Serve(job, options, parts, std::move(*start), signal_fd);
}

}  // namespace

Result<RunOutcome> RunCoordinator(const JobSpec& job, const ServerOptions& options, int signal_fd) {
  MUSTER_TRY(CheckOptions(job, options));
  if (!options.mirror.empty() && !HoldsAnyState(options.state_dir)) {
    MUSTER_TRY(CheckMirrorIsNew(options.mirror, options.state_dir));
  }
  MUSTER_TRY(MakeDirectories(options.state_dir, kStateDirMode));
  auto log = coordinator::ProcessLog::Open(options.state_dir + "/coordinator.log");
  MUSTER_TRY(log);
  Result<RunOutcome> outcome = RunLogged(job, options, signal_fd, **log);
  if (!outcome) (*log)->Fail("failed", {{"error", outcome.error().Text()}});
  return outcome;
}

}  // namespace muster
