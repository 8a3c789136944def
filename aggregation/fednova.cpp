#include "aggregation/fednova.h"

#include "aggregation/ring.h"

namespace muster {

std::vector<LaneSpec> FedNova::Lanes(const ParameterLayout& model) const {
  std::vector<LaneSpec> lanes = MeanDelta::Lanes(model);
  auto steps = ParameterLayout::Create({{"fednova/steps", DType::f32, {}}});
  MUSTER_CHECK(steps.has_value(), "a layout of one value");
  lanes.push_back({"steps", std::move(*steps), LaneWeight::own, LaneReach::whole, kStepsBoundLog2});
  return lanes;
}

void FedNova::CompleteUpdate(const LocalResult& result, ParameterSet& update,
                             Bytes& /*client*/) const {
  MUSTER_CHECK(result.steps > 0, "a fit without a step");
  const auto steps = static_cast<double>(result.steps);
  const std::size_t last = update.layout().entries().size() - 1;
  for (std::size_t tensor = 0; tensor < last; ++tensor) {
    for (float& value : update.F32(tensor)) {
      value = static_cast<float>(static_cast<double>(value) / steps);
    }
  }
  update.F32(last)[0] = static_cast<float>(steps);
}

void FedNova::Apply(const TileInput& input, const TileOutput& output) const {
  const LaneTile& delta = input.lanes[0];
  const LaneTile& steps = input.lanes[1];
  const double effective = RingMean(steps.sums[0], steps.unit, steps.denominator);
  const double learning_rate = strategy().server_learning_rate;
  for (std::size_t i = 0; i < input.model.size(); ++i) {
    const double step = effective * RingMean(delta.sums[i], delta.unit, delta.denominator);
    const double model = static_cast<double>(input.model[i]) + learning_rate * step;
    output.model[i] = static_cast<float>(model);
  }
}

}  // namespace muster
