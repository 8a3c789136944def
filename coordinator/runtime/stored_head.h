// Head in memory, and on the disk: a head that was committed but not stored is computed again.
#pragma once

#include "aggregation/strategy.h"
#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "common/error.h"
#include "model/job.h"
#include "model/parameter_set.h"

namespace muster::coordinator {

/// Model and server state of store.recovered().head, verified. A head that no chunks hold yet is
/// computed again from its parent and its updates in the spool, and stored; the updates' entries
/// stay until somebody clears them. Prepares the spool if it needs it.
/// Errors: damage (a chunk, an update's bytes, or a result that is not what the record names),
/// disk_full, io_failed. REQUIRES: the state has a head with a record.
Result<ParameterSet> LoadHead(CheckpointStore& store, Spool& spool, const JobSpec& job,
                              const Strategy& strategy);

}  // namespace muster::coordinator
