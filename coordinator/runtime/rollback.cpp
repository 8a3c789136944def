#include "coordinator/runtime/rollback.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "aggregation/strategy.h"
#include "checkpoint/copy_costs.h"
#include "checkpoint/copy_version.h"
#include "checkpoint/verify.h"
#include "coordinator/runtime/stored_head.h"
#include "model/job.h"

namespace muster::coordinator {
namespace {

std::string Named(Version version) { return "version " + std::to_string(version); }

Status CheckSource(CheckpointStore& store, Version version) {
  const RecoveredState& state = store.recovered();
  if (!state.head || !state.job) {
    return Error{Reason::not_found, "the state holds no version yet: no coordinator ever ran"};
  }
  if (version == state.head->version) {
    return Error{Reason::flag_invalid, Named(version) + " is the newest already"};
  }
  if (version > state.head->version) {
    return Error{Reason::not_found, "there is no " + Named(version) + "; the newest is " +
                                        std::to_string(state.head->version)};
  }
  const std::vector<Version> held = store.HeldVersions();
  if (std::ranges::find(held, version) != held.end()) return {};
  return Error{Reason::not_found,
               "the content of " + Named(version) +
                   " is not held any more; `muster checkpoints ls` says which versions are"};
}

/// Whether there was anything to store.
Result<bool> StoreHead(CheckpointStore& store, Spool& spool) {
  const RecoveredState& state = store.recovered();
  const std::vector<Version> held = store.HeldVersions();
  if (std::ranges::find(held, state.head->version) != held.end()) return false;
  const Result<JobSpec> job = DecodeJob(state.job->job);
  MUSTER_TRY(job);
  MUSTER_TRY(LoadHead(store, spool, *job, *CreateStrategy(*job)));
  return true;
}

}  // namespace

Result<RolledBack> RollBack(CheckpointStore& store, Spool& spool, Version version) {
  MUSTER_TRY(CheckSource(store, version));
  MUSTER_TRY(VerifyVersion(store, version));  // Before anything is written.
  const auto stored = StoreHead(store, spool);
  MUSTER_TRY(stored);
  auto record = CommitCopy(store, {.source = version});
  MUSTER_TRY(record);
  const Result<JobSpec> job = DecodeJob(store.recovered().job->job);
  MUSTER_TRY(job);
  std::vector<std::string> costs = CostsOfCopy(store.recovered(), version, record->version);
  return RolledBack{std::move(*record), store.recovered().accepted.size(), *stored,
                    KeepsClientState(*job), std::move(costs)};
}

}  // namespace muster::coordinator
