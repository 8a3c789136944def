#include "aggregation/fedavg.h"

#include "aggregation/floating_point.h"
#include "aggregation/ring.h"
#include "aggregation/scales.h"

namespace muster {
namespace {

void ApplySgd(const TileInput& input, const TileOutput& output, double learning_rate) {
  const LaneTile& delta = input.lanes[0];
  for (std::size_t i = 0; i < input.model.size(); ++i) {
    const double step = RingMean(delta.sums[i], delta.unit, delta.denominator);
    const double model = static_cast<double>(input.model[i]) + learning_rate * step;
    output.model[i] = static_cast<float>(model);
  }
}

void ApplyMomentum(const TileInput& input, const TileOutput& output, double learning_rate,
                   double momentum) {
  const LaneTile& delta = input.lanes[0];
  const std::span<const float> old_momentum = input.state[0];
  const std::span<float> new_momentum = output.state[0];
  for (std::size_t i = 0; i < input.model.size(); ++i) {
    const double mean = RingMean(delta.sums[i], delta.unit, delta.denominator);
    const double step = momentum * static_cast<double>(old_momentum[i]) + mean;
    const double model = static_cast<double>(input.model[i]) + learning_rate * step;
    new_momentum[i] = static_cast<float>(step);
    output.model[i] = static_cast<float>(model);
  }
}

}  // namespace

std::span<const std::string_view> FedAvg::state_kinds() const {
  if (strategy_.server_momentum == 0) return {};
  return kMomentum;
}

TrainSpec FedAvg::Ask(Round /*round*/) const { return train_; }

Result<std::uint64_t> FedAvg::UpdateWeight(std::uint64_t examples) const {
  const std::uint64_t weight = aggregation_.weights == WeightPolicy::uniform ? 1 : examples;
  MUSTER_TRY(CheckUpdateWeight(weight));
  return weight;
}

Status FedAvg::CheckUpdateWeight(std::uint64_t weight) const {
  const bool uniform = aggregation_.weights == WeightPolicy::uniform;
  if (CheckWeight(weight, uniform ? 1 : aggregation_.weight_max)) return {};
  return Error{Reason::weight_invalid,
               uniform ? "this job weighs every update with 1"
                       : "weights go from 1 to " + std::to_string(aggregation_.weight_max)};
}

std::vector<LaneSpec> FedAvg::Lanes(const ParameterLayout& model) const {
  return {{"delta", model, LaneWeight::update}};
}

void FedAvg::Apply(const TileInput& input, const TileOutput& output) const {
  if (strategy_.server_momentum == 0) {
    ApplySgd(input, output, strategy_.server_learning_rate);
  } else {
    ApplyMomentum(input, output, strategy_.server_learning_rate, strategy_.server_momentum);
  }
}

}  // namespace muster
