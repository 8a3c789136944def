// The server's step computed twice: the reference's must be production's, bit for bit.
#include "simulator/check/reference_step.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "aggregation/strategy.h"
#include "common/random.h"
#include "tests/aggregation/ring_inputs.h"

namespace muster::simulator {
namespace {

constexpr std::uint64_t kSeed = 20210303;
constexpr double kUnit = 0x1p-24;
constexpr double kDenominator = 7;
constexpr StrategyKind kKinds[] = {
    StrategyKind::fedavg,  StrategyKind::fedadagrad, StrategyKind::fedadam,
    StrategyKind::fedyogi, StrategyKind::fedprox,    StrategyKind::nesterov,
};

/// One value of the model and its state, as production computes it.
float ProductionStep(const Strategy& strategy, float model, std::int64_t sum,
                     std::vector<float>& state) {
  const auto bits = static_cast<std::uint64_t>(sum);
  const LaneTile lane = {.sums = std::span(&bits, 1), .unit = kUnit, .denominator = kDenominator};
  const std::vector<float> old = state;
  std::vector<std::span<const float>> before;
  std::vector<std::span<float>> after;
  for (std::size_t kind = 0; kind < state.size(); ++kind) {
    before.emplace_back(&old[kind], 1);
    after.emplace_back(&state[kind], 1);
  }
  float moved = 0;
  strategy.Apply({.model = std::span(&model, 1), .state = before, .lanes = std::span(&lane, 1)},
                 {.model = std::span(&moved, 1), .state = after});
  return moved;
}

TEST(ReferenceStep, IsProductionsBitForBit) {
  for (const StrategyKind kind : kKinds) {
    JobSpec job;
    job.strategy.kind = kind;
    job.strategy.server_learning_rate = 0.3;
    const bool adaptive = kind == StrategyKind::fedadagrad || kind == StrategyKind::fedadam ||
                          kind == StrategyKind::fedyogi;
    job.strategy.server_momentum = adaptive ? 0 : 0.9;
    const auto strategy = CreateStrategy(job);
    ASSERT_TRUE(std::ranges::equal(NaiveStateKinds(job.strategy), strategy->state_kinds()));
    KeyedStream draws(kSeed, "reference-step", {static_cast<std::uint64_t>(kind)});
    for (int element = 0; element < 500; ++element) {
      float model = testing::DeltaLikeFloat(draws);
      float reference = model;
      std::vector<float> state(strategy->state_kinds().size());
      std::vector<float> reference_state = state;
      for (int step = 0; step < 5; ++step) {
        // About one in 64 is zero, and squares lie around tau^2.
        const auto sum = static_cast<std::int64_t>(draws.Below(0x80000)) - 0x40000;
        const std::int64_t drawn = draws.Below(64) == 0 ? 0 : sum;
        const double mean = static_cast<double>(drawn) * kUnit / kDenominator;
        model = ProductionStep(*strategy, model, drawn, state);
        reference = NaiveServerStep(job.strategy, reference, mean, reference_state);
        ASSERT_EQ(std::bit_cast<std::uint32_t>(model), std::bit_cast<std::uint32_t>(reference))
            << strategy->name() << ", element " << element << ", step " << step;
        ASSERT_EQ(state, reference_state) << strategy->name();
      }
    }
  }
}

}  // namespace
}  // namespace muster::simulator
