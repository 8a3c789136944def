#include "aggregation/adaptive.h"

#include <cmath>
#include <limits>

#include "aggregation/floating_point.h"
#include "aggregation/ring.h"

namespace muster {
namespace {

/// `advance(before, square)` is the new second moment.
template <typename Advance>
void ApplyMoments(const StrategySpec& strategy, const TileInput& input, const TileOutput& output,
                  Advance advance) {
  const double learning_rate = strategy.server_learning_rate;
  const double beta1 = strategy.beta1;
  const double rest1 = 1 - beta1;
  const double tau = strategy.tau;
  const double start = tau * tau;
  constexpr float kSecondLeast = std::numeric_limits<float>::min();
  const LaneTile& delta = input.lanes[0];
  for (std::size_t i = 0; i < input.model.size(); ++i) {
    const double mean = RingMean(delta.sums[i], delta.unit, delta.denominator);
    const double first = beta1 * static_cast<double>(input.state[0][i]) + rest1 * mean;
    const double kept = static_cast<double>(input.state[1][i]);
    const double second = advance(kept == 0 ? start : kept, mean * mean);
    const double step = first / (std::sqrt(second) + tau);
    const double model = static_cast<double>(input.model[i]) + learning_rate * step;
    const float stored = static_cast<float>(second);
    output.state[0][i] = static_cast<float>(first);
    // Written so that NaN stays what it is and is refused.
    output.state[1][i] = stored < kSecondLeast ? kSecondLeast : stored;
    output.model[i] = static_cast<float>(model);
  }
}

}  // namespace

void FedAdagrad::Apply(const TileInput& input, const TileOutput& output) const {
  ApplyMoments(strategy(), input, output,
               [](double before, double square) { return before + square; });
}

void FedAdam::Apply(const TileInput& input, const TileOutput& output) const {
  const double beta2 = strategy().beta2;
  const double rest2 = 1 - beta2;
  ApplyMoments(strategy(), input, output, [beta2, rest2](double before, double square) {
    return beta2 * before + rest2 * square;
  });
}

void FedYogi::Apply(const TileInput& input, const TileOutput& output) const {
  const double rest2 = 1 - strategy().beta2;
  ApplyMoments(strategy(), input, output, [rest2](double before, double square) {
    const double change = rest2 * square;
    if (before > square) return before - change;
    return before < square ? before + change : before;
  });
}

}  // namespace muster
