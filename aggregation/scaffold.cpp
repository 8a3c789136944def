#include "aggregation/scaffold.h"

#include <cstring>
#include <utility>

#include "aggregation/ring.h"

namespace muster {

LocalTraining Scaffold::Ask(Round round) const {
  LocalTraining ask = MeanDelta::Ask(round);
  ask.control_variates = true;
  return ask;
}

std::vector<LaneSpec> Scaffold::Lanes(const ParameterLayout& model) const {
  std::vector<TensorSpec> specs = model.Specs();
  for (TensorSpec& spec : specs) spec.name = "scaffold/control/" + spec.name;
  auto control = ParameterLayout::Create(std::move(specs));
  MUSTER_CHECK(control.has_value(), "a layout of the model's shapes");
  return {{"delta", model, LaneWeight::one}, {"control", std::move(*control), LaneWeight::one}};
}

void Scaffold::CompleteUpdate(const LocalResult& result, ParameterSet& update,
                              Bytes& client) const {
  const std::size_t tensors = update.layout().entries().size() / 2;
  const std::uint64_t model_bytes = update.layout().entries()[tensors].offset_bytes;
  MUSTER_CHECK(result.steps > 0 && (result.client.empty() || result.client.size() == model_bytes),
               "a fit that its trainer checked");
  const double rate = static_cast<double>(result.steps) * local_rate_;
  client.assign(model_bytes, std::byte{0});
  for (std::size_t tensor = 0; tensor < tensors; ++tensor) {
    std::uint64_t at = update.layout().entries()[tensor].offset_bytes;
    const std::span<const float> server = result.base.F32(tensors + tensor);
    const std::span<const float> delta = std::as_const(update).F32(tensor);
    const std::span<float> change = update.F32(tensors + tensor);
    for (std::size_t i = 0; i < delta.size(); ++i, at += sizeof(float)) {
      float own = 0;
      if (!result.client.empty()) std::memcpy(&own, result.client.data() + at, sizeof(own));
      const double shifted = static_cast<double>(own) - static_cast<double>(server[i]);
      const auto next = static_cast<float>(shifted - static_cast<double>(delta[i]) / rate);
      change[i] = static_cast<float>(static_cast<double>(next) - static_cast<double>(own));
      std::memcpy(client.data() + at, &next, sizeof(next));
    }
  }
}

void Scaffold::Apply(const TileInput& input, const TileOutput& output) const {
  const LaneTile& delta = input.lanes[0];
  const LaneTile& control = input.lanes[1];
  const std::span<const float> old_control = input.state[0];
  const std::span<float> new_control = output.state[0];
  for (std::size_t i = 0; i < input.model.size(); ++i) {
    const double step = RingMean(delta.sums[i], delta.unit, delta.denominator);
    const double model = static_cast<double>(input.model[i]) + learning_rate_ * step;
    output.model[i] = static_cast<float>(model);
    const double change = RingMean(control.sums[i], control.unit, parts_);
    new_control[i] = static_cast<float>(static_cast<double>(old_control[i]) + change);
  }
}

}  // namespace muster
