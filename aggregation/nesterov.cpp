#include "aggregation/nesterov.h"

#include "aggregation/floating_point.h"
#include "aggregation/ring.h"

namespace muster {

void Nesterov::Apply(const TileInput& input, const TileOutput& output) const {
  const double learning_rate = strategy().server_learning_rate;
  const double momentum = strategy().server_momentum;
  const LaneTile& delta = input.lanes[0];
  const std::span<const float> old_momentum = input.state[0];
  const std::span<float> new_momentum = output.state[0];
  for (std::size_t i = 0; i < input.model.size(); ++i) {
    const double mean = RingMean(delta.sums[i], delta.unit, delta.denominator);
    const double next = momentum * static_cast<double>(old_momentum[i]) + mean;
    const double step = mean + momentum * next;
    const double model = static_cast<double>(input.model[i]) + learning_rate * step;
    new_momentum[i] = static_cast<float>(next);
    output.model[i] = static_cast<float>(model);
  }
}

}  // namespace muster
