#include "checkpoint/internal/update_bytes.h"

#include "aggregation/strategy.h"
#include "checkpoint/load.h"

namespace muster::checkpoint {

Result<std::uint64_t> UpdateBytesOf(const RecoveredState& state) {
  if (!state.job) return state.head->model_bytes;
  const auto job = DecodeJob(state.job->job);
  if (!job && job.error().reason == Reason::unsupported) return job.error();
  if (!job) {
    return Error{Reason::damage, "the stored job cannot be read: " + job.error().message};
  }
  const auto model = ModelLayoutOf(*state.head);
  MUSTER_TRY(model);
  const auto lanes = LanesOf(*CreateStrategy(*job), *model);
  MUSTER_TRY(lanes);
  return lanes->layout().total_bytes();
}

}  // namespace muster::checkpoint
