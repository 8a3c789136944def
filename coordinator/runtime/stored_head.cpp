#include "coordinator/runtime/stored_head.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/load.h"
#include "common/thread_pool.h"
#include "coordinator/core/core.h"
#include "coordinator/runtime/refold.h"
#include "coordinator/runtime/version_thread.h"

namespace muster::coordinator {
namespace {

/// The bytes of one update in the spool.
Result<UpdateSource> SpooledUpdate(const Spool& spool, const std::vector<AcceptedUpdate>& unstored,
                                   const RecordedUpdate& update) {
  const auto found = std::ranges::find(unstored, update.id, &AcceptedUpdate::id);
  if (found == unstored.end()) {
    return Error{Reason::damage,
                 "it is not known where in the spool the bytes of " + update.id.Text() + " lie"};
  }
  return UpdateSource{
      [&spool, extent = found->extent.index](std::uint64_t offset, MutableByteSpan bytes) {
        return spool.Read(extent, offset, bytes);
      },
      update.weight};
}

/// Head was committed, but its process died before its chunks were durable.
Result<ParameterSet> RefoldHead(CheckpointStore& store, Spool& spool, const JobSpec& job,
                                const Strategy& strategy) {
  const RecoveredState& state = store.recovered();
  const RoundRecord& record = *state.last_record;
  auto parent_manifest = store.ReadManifest(record.parent);
  MUSTER_TRY(parent_manifest);
  auto parent = LoadVersion(store, *parent_manifest);
  MUSTER_TRY(parent);
  auto model = ModelLayoutOf(*state.head);
  MUSTER_TRY(model);
  const auto lanes = LanesOf(strategy, *model);
  MUSTER_TRY(lanes);
  MUSTER_TRY(spool.Prepare(lanes->layout().total_bytes(), SpoolExtentCount(job)));
  const UpdateBytes updates = [&](const RecordedUpdate& update) {
    return SpooledUpdate(spool, state.unstored, update);
  };
  ThreadPool pool(1);
  auto head = RefoldVersion(job, strategy, *parent, record, updates, pool);
  MUSTER_TRY(head);
  MUSTER_TRY(WriteVersion(store, record.version, *head));
  return head;
}

}  // namespace

Result<ParameterSet> LoadHead(CheckpointStore& store, Spool& spool, const JobSpec& job,
                              const Strategy& strategy) {
  const RecoveredState& state = store.recovered();
  auto head = LoadVersion(store, *state.head);
  if (head || state.unstored.empty() || head.error().reason != Reason::not_found) return head;
  head = RefoldHead(store, spool, job, strategy);
  if (!head) {
    head.error().message = "version " + std::to_string(state.head->version) +
                           " is committed but was not stored: " + head.error().message;
  }
  return head;
}

}  // namespace muster::coordinator
