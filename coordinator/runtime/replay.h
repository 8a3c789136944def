// Trains and folds every version again from its record, and compares digests.
#pragma once

#include <cstdint>
#include <functional>

#include "checkpoint/store.h"
#include "common/error.h"
#include "model/job.h"
#include "training/trainer.h"

namespace muster::coordinator {

struct Replayed {
  Version from = 0;  ///< What the replay began with.
  Version to = 0;
  std::uint64_t versions = 0;  ///< Computed again, each with the digest of its record.
  std::uint64_t updates = 0;   ///< Trained again, each with the digest of its record.
};

/// DESIGN: "replaying the records, local training included, reproduces every digest". Begins with
/// the oldest version held whole, or at version 0 where the job keeps client-side state, which is
/// computed again with the updates that it follows from; versions whose chunks are gone are
/// computed and compared as well. A copy (checkpoint/copy_version.h) has the digest of its source
/// and is counted as a version. `progress` is called with each version before it is computed.
/// Errors: replay_differs (a version or an update is another than its record names; the text says
/// which and what may be why), unsupported (the trainer is not deterministic), those of
/// CreateTrainer and of the store. REQUIRES: VerifyState succeeded, else damage is told as
/// replay_differs.
Result<Replayed> ReplayVersions(CheckpointStore& store, const JobSpec& job, const DataOptions& data,
                                const std::function<void(Version)>& progress);

}  // namespace muster::coordinator
