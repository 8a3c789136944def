// What staleness makes of a version, worked by hand: the sum of weight * factor * delta is divided
// by the sum of weight * kStalenessOne (Nguyen 2022, "Federated Learning with Buffered Asynchronous
// Aggregation", algorithm 1: the sum of s(tau) * delta, divided by K).
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "common/thread_pool.h"
#include "model/staleness.h"
#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

JobSpec BufferedJob(StrategyKind kind) {
  JobSpec job;
  job.round.mode = Mode::async;
  job.strategy.kind = kind;
  job.strategy.server_learning_rate = 1;
  return job;
}

struct StaleUpdate {
  std::uint64_t weight = 1;
  std::uint32_t factor = kStalenessOne;
  float delta = 0;
  std::uint64_t steps = 1;
};

/// The version that follows from a model of one value, 10, and its server state of zeros.
ParameterSet VersionOf(const JobSpec& job, const std::vector<StaleUpdate>& updates) {
  const auto strategy = CreateStrategy(job);
  ParameterSet model(testing::Layout({{1}}));
  model.F32(0)[0] = 10;
  const ParameterSet parent = InitialVersion(*strategy, model).value();
  RingSum sum(LanesOf(*strategy, model.layout()).value());
  const RingCapacity capacity = {WeightInSumMax(job), updates.size()};
  const float magnitude = 10;
  const auto scales = ComputeLaneScales(sum.lanes(), {&magnitude, 1}, capacity, 0).value();
  EXPECT_TRUE(sum.Reset(scales, capacity).has_value());
  ThreadPool pool(1);
  for (const StaleUpdate& update : updates) {
    ParameterSet bytes(sum.lanes().layout());
    bytes.F32(0)[0] = update.delta;
    Bytes client;
    strategy->CompleteUpdate({.steps = update.steps, .base = model, .client = {}}, bytes, client);
    UpdateSource source = testing::SourceOf(bytes, update.weight);
    source.factor = update.factor;
    EXPECT_TRUE(sum.Fold({&source, 1}, pool).has_value());
  }
  ParameterSet next(parent.layout());
  EXPECT_TRUE(BuildVersion({*strategy, parent, sum, 1, FullFactor(job)}, pool, next).has_value());
  return next;
}

float ModelOf(StrategyKind kind, const std::vector<StaleUpdate>& updates) {
  return VersionOf(BufferedJob(kind), updates).F32(0)[0];
}

// Weights 30 and 10, deltas -6 and 2. Nothing stale: (30 * -6 + 10 * 2) / 40 = -4.
TEST(StaleUpdates, ABufferThatIsStaleAsAWholeMovesTheModelLess) {
  const auto model = [](std::uint32_t factor) {
    return ModelOf(StrategyKind::fedavg, {{30, factor, -6}, {10, factor, 2}});
  };
  EXPECT_EQ(model(kStalenessOne), 6) << "10 - 4";
  EXPECT_EQ(model(256), 8) << "10 - 4 * 256 / 512";
  EXPECT_EQ(model(64), 9.5F) << "10 - 4 * 64 / 512";
  EXPECT_EQ(model(1), 10 - 4.0F / 512);
}

// (30 * 512 * -6 + 10 * 256 * 2) / (40 * 512) = (-92160 + 5120) / 20480 = -4.25
TEST(StaleUpdates, EachUpdateCountsByItsOwnFactor) {
  EXPECT_EQ(ModelOf(StrategyKind::fedavg, {{30, 512, -6}, {10, 256, 2}}), 5.75F);
}

// K = 1: x + (factor / 512) * delta, whatever the weight is.
TEST(StaleUpdates, ALoneUpdateCountsByItsFactorWhateverItsWeight) {
  for (const std::uint64_t weight : {std::uint64_t{1}, std::uint64_t{7}, std::uint64_t{1} << 20}) {
    EXPECT_EQ(ModelOf(StrategyKind::fedavg, {{weight, 512, 4}}), 14) << weight;
    EXPECT_EQ(ModelOf(StrategyKind::fedavg, {{weight, 128, 4}}), 11) << weight;
  }
}

TEST(StaleUpdates, MomentumTakesInTheSmallerStep) {
  JobSpec job = BufferedJob(StrategyKind::fedavg);
  job.strategy.server_momentum = 0.5;
  const ParameterSet version = VersionOf(job, {{30, 256, -6}, {10, 256, 2}});
  EXPECT_EQ(version.F32(0)[0], 8);
  EXPECT_EQ(version.F32(1)[0], -2) << "the momentum";
}

// Updates as in FedNova.EachSlotCountsByItsMeanStep: mean step -1.125 + 0.5 = -0.625, tau_eff 3.25.
//   both of factor 256    10 + 3.25 * (-0.625 / 2)                      = 8.984375
//   factors 512 and 256   10 + 3.25 * (-1.125 + 0.5 / 2) = 10 - 2.84375 = 7.15625
// If staleness entered the number of steps as well, the first would be 10 - 2.03125 / 4.
TEST(StaleUpdates, StalenessEntersFedNovaOnce) {
  const auto model = [](std::uint32_t first, std::uint32_t second) {
    return ModelOf(StrategyKind::fednova, {{30, first, -6, 4}, {10, second, 2, 1}});
  };
  EXPECT_EQ(model(512, 512), 7.96875F);
  EXPECT_EQ(model(256, 256), 8.984375F);
  EXPECT_EQ(model(512, 256), 7.15625F);
}

}  // namespace
}  // namespace muster
