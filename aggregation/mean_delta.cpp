#include "aggregation/mean_delta.h"

#include <string>

#include "aggregation/scales.h"

namespace muster {

LocalTraining MeanDelta::Ask(Round /*round*/) const { return ask_; }

Result<std::uint64_t> MeanDelta::UpdateWeight(std::uint64_t examples) const {
  const std::uint64_t weight = aggregation_.weights == WeightPolicy::uniform ? 1 : examples;
  MUSTER_TRY(CheckUpdateWeight(weight));
  return weight;
}

Status MeanDelta::CheckUpdateWeight(std::uint64_t weight) const {
  const bool uniform = aggregation_.weights == WeightPolicy::uniform;
  if (CheckWeight(weight, uniform ? 1 : aggregation_.weight_max)) return {};
  return Error{Reason::weight_invalid,
               uniform ? "this job weighs every update with 1"
                       : "weights go from 1 to " + std::to_string(aggregation_.weight_max)};
}

std::vector<LaneSpec> MeanDelta::Lanes(const ParameterLayout& model) const {
  return {{"delta", model, LaneWeight::update}};
}

}  // namespace muster
