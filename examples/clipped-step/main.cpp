// A strategy of our own: federated averaging whose server moves no parameter by more than
// strategy.tau in a round, so that no cohort, however unlike the others, throws the model far.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "muster/aggregation/mean_delta.h"
#include "muster/aggregation/ring.h"
#include "muster/aggregation/strategy_registry.h"
#include "muster/cli/command_line.h"

namespace {

/// With r the server learning rate, an element's arithmetic is, every operation in double and
/// rounded once, to nearest even:
///   new model = (float)(model + clamp(r * RingMean of the lane, -tau, tau))
class ClippedStep final : public muster::MeanDelta {
 public:
  using MeanDelta::MeanDelta;

  std::string_view name() const override { return "clipped-step"; }
  std::span<const std::string_view> state_kinds() const override { return {}; }
  void Apply(const muster::TileInput& input, const muster::TileOutput& output) const override {
    const muster::LaneTile& delta = input.lanes[0];
    for (std::size_t i = 0; i < input.model.size(); ++i) {
      const double mean = muster::RingMean(delta.sums[i], delta.unit, delta.denominator);
      const double wanted = strategy().server_learning_rate * mean;
      const double step = std::clamp(wanted, -strategy().tau, strategy().tau);
      output.model[i] = static_cast<float>(static_cast<double>(input.model[i]) + step);
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  const auto known = muster::RegisterStrategy("clipped-step", [](const muster::JobSpec& job) {
    return std::make_unique<ClippedStep>(job);
  });
  if (!known) {
    std::fprintf(stderr, "%s\n", known.error().Text().c_str());
    return 1;
  }
  return muster::cli::RunCommandLine(argc, argv);
}
