#include "coordinator/runtime/refold.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "aggregation/version_builder.h"
#include "coordinator/runtime/accepted_bytes.h"

namespace muster::coordinator {
namespace {

Result<LaneSpec> LaneOf(const Strategy& strategy, const ParameterSet& version,
                        std::size_t scale_count) {
  // The record has one exponent a lane tensor, and the one lane has the model's tensors.
  std::vector<TensorSpec> specs = version.layout().Specs();
  if (scale_count > specs.size()) {
    return Error{Reason::damage, "a round record has more exponents than its model has tensors"};
  }
  specs.resize(scale_count);
  auto model = ParameterLayout::Create(std::move(specs));
  MUSTER_TRY(model);
  return SingleLane(strategy, *model);
}

}  // namespace

Result<ParameterSet> RefoldVersion(const JobSpec& job, const Strategy& strategy,
                                   const ParameterSet& parent, const RoundRecord& record,
                                   const UpdateBytes& updates, ThreadPool& pool) {
  auto lane = LaneOf(strategy, parent, record.scales.size());
  MUSTER_TRY(lane);
  const std::uint64_t update_bytes = lane->layout.total_bytes();
  auto sum = RingSum::Create(lane->layout);
  MUSTER_TRY(sum);
  MUSTER_TRY(sum->Reset(record.scales, {job.aggregation.weight_max, job.round.goal}));
  for (const RecordedUpdate& update : record.accepted) {
    auto source = updates(update);
    MUSTER_TRY(source);
    MUSTER_TRY(CheckAcceptedBytes(*source, update_bytes, update.id, update.digest));
    source->weight = WeightInLane(lane->weight, update.weight);
    MUSTER_TRY(sum->Fold({&*source, 1}, pool));
  }
  ParameterSet next(parent.layout());
  const auto built = BuildVersion({strategy, parent, *sum, record.version}, pool, next);
  MUSTER_TRY(built);
  if (built->manifest.digest != record.digest) {
    return Error{Reason::damage,
                 "version " + std::to_string(record.version) +
                     " computed again from its parent and its updates is another than its record "
                     "names"};
  }
  return next;
}

}  // namespace muster::coordinator
