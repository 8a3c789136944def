#include "aggregation/fedavg.h"

#include "aggregation/floating_point.h"
#include "aggregation/ring.h"

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
  if (strategy().server_momentum == 0) return {};
  return kMomentum;
}

void FedAvg::Apply(const TileInput& input, const TileOutput& output) const {
  if (strategy().server_momentum == 0) {
    ApplySgd(input, output, strategy().server_learning_rate);
  } else {
    ApplyMomentum(input, output, strategy().server_learning_rate, strategy().server_momentum);
  }
}

LocalTraining FedProx::Ask(Round round) const {
  LocalTraining ask = FedAvg::Ask(round);
  ask.proximal_mu = strategy().proximal_mu;
  return ask;
}

}  // namespace muster
