// The coordinator as a process: everything around the core, from the state directory to ZeroMQ.
#pragma once

#include <cstdint>
#include <string>

#include "checkpoint/state_key.h"
#include "common/error.h"
#include "common/run_outcome.h"
#include "coordinator/core/core.h"
#include "model/job.h"
#include "training/trainer.h"

namespace muster {

struct ServerOptions {
  std::string state_dir;  ///< Made if absent. Holds everything that outlives the process.
  StateKey state_key;     ///< If given, store and spool are encrypted under it.
  /// Where participants connect to, "tcp://ADDRESS:PORT". Port 0: chosen by the system at the first
  /// start and kept in STATE/endpoints.json, so that a later start binds it again.
  std::string listen_control = "tcp://127.0.0.1:0";
  std::string listen_bulk = "tcp://127.0.0.1:0";
  /// Threads that fold, and as many that check and spool uploads. At most limits::kFoldThreadsMax.
  std::uint32_t fold_threads = 2;
  /// A safetensors file whose weights the job starts from; empty: the trainer's own. Read at the
  /// first start only.
  std::string initial_model;
  /// A directory of another volume that is kept as a copy of the state (mirror_thread.h); empty:
  /// none. It must be there, and hold nothing when the state directory holds no version.
  std::string mirror;
  DataOptions data;  ///< Where the held-out data lies, if the job's is in files.
  coordinator::CoordinatorOptions core;
};

/// Serves the job until it is finished, drained or cannot go on; resumes what the state directory
/// holds. Blocks; threads of its own are joined on return. A readable `signal_fd` (a signalfd or an
/// eventfd, non-blocking; -1: none) asks for a drain.
///
/// In the state directory it keeps coordinator.key and .pub, endpoints.json, metrics.jsonl,
/// coordinator.log and admin.sock beside the store and the spool.
///
/// An outcome is a decision of the core (finished, draining, attempts_exhausted, ...). Errors:
/// those of OpenCheckpointStore for a key that does not fit, config_invalid (also for addresses
/// that this machine does not have, an initial model that cannot be used, and a limit of open files
/// below what the roster needs), config_changed, state_in_use, damage, unsupported,
/// wrong_job, unknown_lineage and mirror_ahead (of the mirror), transport_failed (also if the port
/// of an earlier start is taken), disk_full (also if the volume
/// cannot hold the job, disk_room.h), io_failed.
Result<RunOutcome> RunCoordinator(const JobSpec& job, const ServerOptions& options, int signal_fd);

}  // namespace muster
