// A coordinator around sockets, store and trainer that are given to it: what RunCoordinator serves
// with over ZeroMQ, and tests in memory.
#pragma once

#include <string>

#include "aggregation/strategy.h"
#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "common/error.h"
#include "common/run_outcome.h"
#include "coordinator/runtime/bootstrap.h"
#include "coordinator/runtime/key_gate.h"
#include "coordinator/runtime/process_log.h"
#include "coordinator/runtime/server.h"
#include "model/job.h"
#include "training/trainer.h"
#include "transport/transport.h"

namespace muster::coordinator {

/// All outlive the call. `gate` is the one that the sockets ask.
struct ServeParts {
  CheckpointStore& store;
  Spool& spool;
  Trainer& trainer;
  const Strategy& strategy;
  ServerSocket& control;
  ServerSocket& bulk;
  RosterGate& gate;
  ProcessLog& log;
};

/// Serves the job until the core stops; the caller's thread is the loop thread, the others are
/// joined on return. `start` is what Bootstrap gave. Writes options.state_dir/metrics.jsonl and
/// answers on options.state_dir/admin.sock; uses no other file. Errors: io_failed, disk_full,
/// unsupported (the strategy's lanes), and what a thread met.
Result<RunOutcome> Serve(const JobSpec& job, const ServerOptions& options, const ServeParts& parts,
                         Bootstrapped start, int signal_fd);

}  // namespace muster::coordinator
