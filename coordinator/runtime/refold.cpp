#include "coordinator/runtime/refold.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "aggregation/version_builder.h"
#include "coordinator/runtime/accepted_bytes.h"
#include "model/staleness.h"

namespace muster::coordinator {
namespace {

/// The lanes of a version's model, which is as many of its tensors as each kind of server state
/// has.
Result<LaneSet> LanesOfVersion(const Strategy& strategy, const ParameterSet& version) {
  std::vector<TensorSpec> specs = version.layout().Specs();
  specs.resize(specs.size() / (1 + strategy.state_kinds().size()));
  auto model = ParameterLayout::Create(std::move(specs));
  MUSTER_TRY(model);
  return LanesOf(strategy, *model);
}

}  // namespace

Result<ParameterSet> RefoldVersion(const JobSpec& job, const Strategy& strategy,
                                   const ParameterSet& parent, const RoundRecord& record,
                                   const UpdateBytes& updates, ThreadPool& pool) {
  auto lanes = LanesOfVersion(strategy, parent);
  MUSTER_TRY(lanes);
  const std::uint64_t update_bytes = lanes->layout().total_bytes();
  RingSum sum(std::move(*lanes));
  MUSTER_TRY(sum.Reset(record.scales, {WeightInSumMax(job), UpdatesInSumMax(job.round)}));
  for (const RecordedUpdate& update : record.accepted) {
    auto source = updates(update);
    MUSTER_TRY(source);
    source->factor = update.factor;
    MUSTER_TRY(CheckAcceptedBytes(*source, update_bytes, update.id, update.digest));
    MUSTER_TRY(sum.Fold({&*source, 1}, pool));
  }
  ParameterSet next(parent.layout());
  const VersionInputs inputs{strategy, parent, sum, record.version, FullFactor(job)};
  const auto built = BuildVersion(inputs, pool, next);
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
