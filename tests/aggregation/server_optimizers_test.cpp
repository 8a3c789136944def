// The server optimizers, each against two steps worked by hand from the paper's algorithm. The
// numbers are such that every operation is exact where nothing else is said.
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <vector>

#include "aggregation/strategy.h"
#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

JobSpec JobWith(const StrategySpec& strategy) {
  JobSpec job;
  job.strategy = strategy;
  return job;
}

/// One element and its state, by kind.
struct OneValue {
  float model = 0;
  std::array<float, 2> state = {};
};

/// One step from `old` with this mean delta.
OneValue Stepped(const Strategy& strategy, const OneValue& old, double mean) {
  const auto sum = static_cast<std::uint64_t>(static_cast<std::int64_t>(mean * 3 * 0x1p20));
  const LaneTile lane = {.sums = std::span(&sum, 1), .unit = 0x1p-20, .denominator = 3};
  OneValue result;
  std::vector<std::span<const float>> before;
  std::vector<std::span<float>> after;
  for (std::size_t kind = 0; kind < strategy.state_kinds().size(); ++kind) {
    before.emplace_back(&old.state[kind], 1);
    after.emplace_back(&result.state[kind], 1);
  }
  strategy.Apply({.model = std::span(&old.model, 1), .state = before, .lanes = std::span(&lane, 1)},
                 {.model = std::span(&result.model, 1), .state = after});
  return result;
}

// Reddi 2021, algorithm 2: m = b1 m + (1 - b1) D; v = v + D^2; x = x + r m / (sqrt(v) + t), from
// m = 0 and v = t^2. r = 2, b1 = 0.5, t = 1.5, x = 10.
//   D = 2:  m = 0.5 * 0 + 0.5 * 2 = 1      v = 2.25 + 4  = 6.25    x = 10 + 2 * 1 / (2.5 + 1.5)
//   D = 6:  m = 0.5 * 1 + 0.5 * 6 = 3.5    v = 6.25 + 36 = 42.25   x = 10.5 + 2 * 3.5 / (6.5 + 1.5)
TEST(FedAdagrad, TwoStepsAreWhatTheyAreByHand) {
  const auto strategy = CreateStrategy(JobWith(
      {.kind = StrategyKind::fedadagrad, .server_learning_rate = 2, .beta1 = 0.5, .tau = 1.5}));
  const OneValue first = Stepped(*strategy, {.model = 10}, 2);
  EXPECT_EQ(first.state, (std::array{1.0F, 6.25F}));
  EXPECT_EQ(first.model, 10.5F);
  const OneValue second = Stepped(*strategy, first, 6);
  EXPECT_EQ(second.state, (std::array{3.5F, 42.25F}));
  EXPECT_EQ(second.model, 11.375F);
}

// The same with v = b2 v + (1 - b2) D^2. r = 2, b1 = 0.25, b2 = 0.5, t = 1, x = 10.
//   D = 7:  m = 0.75 * 7 = 5.25                    v = 0.5 * 1 + 0.5 * 49  = 25
//           x = 10 + 2 * 5.25 / (5 + 1) = 11.75
//   D = 5:  m = 0.25 * 5.25 + 0.75 * 5 = 5.0625    v = 0.5 * 25 + 0.5 * 25 = 25
//           x = 11.75 + 2 * 5.0625 / (5 + 1) = 13.4375
TEST(FedAdam, TwoStepsAreWhatTheyAreByHand) {
  const auto strategy = CreateStrategy(JobWith({.kind = StrategyKind::fedadam,
                                                .server_learning_rate = 2,
                                                .beta1 = 0.25,
                                                .beta2 = 0.5,
                                                .tau = 1}));
  const OneValue first = Stepped(*strategy, {.model = 10}, 7);
  EXPECT_EQ(first.state, (std::array{5.25F, 25.0F}));
  EXPECT_EQ(first.model, 11.75F);
  const OneValue second = Stepped(*strategy, first, 5);
  EXPECT_EQ(second.state, (std::array{5.0625F, 25.0F}));
  EXPECT_EQ(second.model, 13.4375F);
}

// The same with v = v - (1 - b2) D^2 sign(v - D^2). r = 2, b1 = 0.25, b2 = 0.75, t = 1, x = 10.
//   D = 1.5:   m = 0.75 * 1.5 = 1.125                       v = 1 + 0.25 * 2.25    = 1.5625
//              x = 10 + 2 * 1.125 / (1.25 + 1) = 11
//   D = -0.5:  m = 0.25 * 1.125 - 0.75 * 0.5 = -0.09375     v = 1.5625 - 0.25 * 0.25 = 1.5
//              x = 11 - 2 * 0.09375 / (1.2247449 + 1) = 11 - 0.0842793
StrategySpec YogiOfTheTable() {
  return {.kind = StrategyKind::fedyogi,
          .server_learning_rate = 2,
          .beta1 = 0.25,
          .beta2 = 0.75,
          .tau = 1};
}
TEST(FedYogi, TwoStepsAreWhatTheyAreByHand) {
  const auto strategy = CreateStrategy(JobWith(YogiOfTheTable()));
  const OneValue first = Stepped(*strategy, {.model = 10}, 1.5);
  EXPECT_EQ(first.state, (std::array{1.125F, 1.5625F}));
  EXPECT_EQ(first.model, 11.0F);
  const OneValue second = Stepped(*strategy, first, -0.5);
  EXPECT_EQ(second.state, (std::array{-0.09375F, 1.5F}));
  EXPECT_NEAR(second.model, 10.9157207, 1e-6);
}

TEST(FedYogi, ASquareEqualToTheSecondMomentLeavesIt) {
  const auto strategy = CreateStrategy(JobWith(YogiOfTheTable()));
  const OneValue equal = Stepped(*strategy, {.model = 10, .state = {0, 2.25F}}, 1.5);
  EXPECT_EQ(equal.state[1], 2.25F);
}

// Douillard 2023, algorithm 1, with PyTorch's Nesterov: b = m b + g; x = x - r (g + m b), g = -D.
// r = 0.5, m = 0.5, x = 10.
//   D = 2:   -b = 2                        x = 10 + 0.5 * (2 + 0.5 * 2)      = 11.5
//   D = -1:  -b = 0.5 * 2 - 1 = 0          x = 11.5 + 0.5 * (-1 + 0.5 * 0)   = 11
//   D = 3:   -b = 0.5 * 0 + 3 = 3          x = 11 + 0.5 * (3 + 0.5 * 3)      = 13.25
TEST(Nesterov, ThreeStepsAreWhatTheyAreByHand) {
  const auto strategy = CreateStrategy(JobWith(
      {.kind = StrategyKind::nesterov, .server_learning_rate = 0.5, .server_momentum = 0.5}));
  const OneValue first = Stepped(*strategy, {.model = 10}, 2);
  EXPECT_EQ(first.state[0], 2.0F);
  EXPECT_EQ(first.model, 11.5F);
  const OneValue second = Stepped(*strategy, first, -1);
  EXPECT_EQ(second.state[0], 0.0F);
  EXPECT_EQ(second.model, 11.0F);
  const OneValue third = Stepped(*strategy, second, 3);
  EXPECT_EQ(third.state[0], 3.0F);
  EXPECT_EQ(third.model, 13.25F);
}

TEST(FedProx, MovesTheModelAsFedAvgDoes) {
  const StrategySpec prox = {.kind = StrategyKind::fedprox,
                             .server_learning_rate = 0.5,
                             .server_momentum = 0.5,
                             .proximal_mu = 0.1};
  StrategySpec plain = prox;
  plain.kind = StrategyKind::fedavg;
  plain.proximal_mu = 0;
  const OneValue old = {.model = 10, .state = {0.75F}};
  const OneValue one = Stepped(*CreateStrategy(JobWith(prox)), old, 2);
  const OneValue other = Stepped(*CreateStrategy(JobWith(plain)), old, 2);
  EXPECT_EQ(one.model, other.model);
  EXPECT_EQ(one.state, other.state);
}

TEST(FedProx, AsksForTheJobsTrainingWithTheProximalTerm) {
  JobSpec job = JobWith({.kind = StrategyKind::fedprox, .proximal_mu = 0.25});
  job.train.epochs = 4;
  for (const Round round : {1, 7}) {
    const LocalTraining ask = CreateStrategy(job)->Ask(round);
    EXPECT_EQ(ask.train.epochs, 4U);
    EXPECT_EQ(ask.proximal_mu, 0.25);
  }
}

constexpr StrategyKind kAdaptive[] = {StrategyKind::fedadagrad, StrategyKind::fedadam,
                                      StrategyKind::fedyogi};

TEST(AdaptiveServer, ASecondMomentOfZeroStandsForTauSquared) {
  for (const StrategyKind kind : kAdaptive) {
    const auto strategy = CreateStrategy(JobWith({.kind = kind, .tau = 0.25}));
    for (const double mean : {0.0, 0.125, -3.0}) {
      const OneValue fresh = Stepped(*strategy, {.model = 1}, mean);
      const OneValue started = Stepped(*strategy, {.model = 1, .state = {0, 0.0625F}}, mean);
      EXPECT_EQ(fresh.model, started.model) << strategy->name() << " by " << mean;
      EXPECT_EQ(fresh.state, started.state) << strategy->name() << " by " << mean;
    }
  }
}

// Without old moments a mean of zero has a second moment of zero: the least normal float32 is kept
// for it, and the next step does not begin from tau^2 again.
TEST(AdaptiveServer, NoStepLeavesASecondMomentOfZero) {
  const auto strategy = CreateStrategy(
      JobWith({.kind = StrategyKind::fedadam, .beta1 = 0.5, .beta2 = 0, .tau = 0.25}));
  const OneValue still = Stepped(*strategy, {.model = 1}, 0);
  EXPECT_EQ(still.model, 1.0F);
  EXPECT_EQ(still.state, (std::array{0.0F, std::numeric_limits<float>::min()}));
}

TEST(AdaptiveServer, TheModelMovesByTheUnroundedMoments) {
  // first = 0.5 * 2^-29 + 0.5 * 3 needs more bits than a float has. From a model where the rest of
  // the step cancels, what the float lost is what is left.
  const auto strategy = CreateStrategy(JobWith(
      {.kind = StrategyKind::fedadagrad, .server_learning_rate = 8, .beta1 = 0.5, .tau = 4}));
  // second = 7 + 9 = 16; step = first / (4 + 4); r * step = first = 1.5 + 2^-30.
  const OneValue result = Stepped(*strategy, {.model = -1.5F, .state = {0x1p-29F, 7}}, 3);
  EXPECT_EQ(result.state, (std::array{1.5F, 16.0F}));
  EXPECT_EQ(result.model, 0x1p-30F);
}

TEST(AdaptiveServer, BothMomentsAreKeptForEveryTensorUnderTheirNames) {
  const ParameterLayout model = testing::Layout({{3, 4}, {4}});
  for (const StrategyKind kind : kAdaptive) {
    const ParameterLayout state =
        StateLayout(*CreateStrategy(JobWith({.kind = kind})), model).value();
    ASSERT_EQ(state.entries().size(), 4U);
    EXPECT_EQ(state.entries()[1].spec, (TensorSpec{"server/momentum/layer1", DType::f32, {4}}));
    EXPECT_EQ(state.entries()[2].spec,
              (TensorSpec{"server/second_moment/layer0", DType::f32, {3, 4}}));
  }
}

}  // namespace
}  // namespace muster
