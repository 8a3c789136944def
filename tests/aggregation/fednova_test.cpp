#include "aggregation/fednova.h"

#include <gtest/gtest.h>

#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "common/thread_pool.h"
#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

JobSpec NovaJob(double learning_rate) {
  JobSpec job;
  job.strategy.kind = StrategyKind::fednova;
  job.strategy.server_learning_rate = learning_rate;
  return job;
}

/// The update of a fit of `steps` steps that moved a model of one value by `delta`.
ParameterSet NovaUpdate(const Strategy& strategy, const ParameterSet& base, float delta,
                        std::uint64_t steps) {
  ParameterSet update(LanesOf(strategy, base.layout()).value().layout());
  update.F32(0)[0] = delta;
  Bytes client;
  strategy.CompleteUpdate({.steps = steps, .base = base, .client = {}}, update, client);
  EXPECT_TRUE(client.empty());
  return update;
}

/// From a model of 10, two slots: the first of weight 30 moved by -6 in 4 steps, the second of
/// weight 10 by 2 in 1 step.
float NovaStep(double learning_rate) {
  const auto strategy = CreateStrategy(NovaJob(learning_rate));
  ParameterSet parent(testing::Layout({{1}}));
  parent.F32(0)[0] = 10;
  const ParameterSet updates[] = {NovaUpdate(*strategy, parent, -6, 4),
                                  NovaUpdate(*strategy, parent, 2, 1)};
  RingSum sum(LanesOf(*strategy, parent.layout()).value());
  constexpr RingCapacity kNovaCapacity = {1U << 20, 2};
  const float magnitude = 10;
  const auto scales = ComputeLaneScales(sum.lanes(), {&magnitude, 1}, kNovaCapacity, 0).value();
  EXPECT_TRUE(sum.Reset(scales, kNovaCapacity).has_value());
  ThreadPool pool(1);
  const UpdateSource sources[] = {testing::SourceOf(updates[0], 30),
                                  testing::SourceOf(updates[1], 10)};
  EXPECT_TRUE(sum.Fold(sources, pool).has_value());
  ParameterSet next(parent.layout());
  EXPECT_TRUE(BuildVersion({*strategy, parent, sum, 1}, pool, next).has_value());
  return next.F32(0)[0];
}

// Equations 6 and 7 by hand, with p = (30, 10) / 40 = (0.75, 0.25):
//   mean step   sum p_i delta_i / tau_i = 0.75 * (-6 / 4) + 0.25 * (2 / 1) = -1.125 + 0.5 = -0.625
//   tau_eff     sum p_i tau_i           = 0.75 * 4 + 0.25 * 1              = 3.25
//   model       10 + r * 3.25 * -0.625  = 10 - r * 2.03125
// Averaging the deltas alone would give 10 + 0.75 * -6 + 0.25 * 2 = 6.
TEST(FedNova, EachSlotCountsByItsMeanStep) {
  EXPECT_EQ(NovaStep(1), 7.96875F);
  EXPECT_EQ(NovaStep(0.5), 8.984375F);
}

TEST(FedNova, AnUpdateIsItsMeanStepAndTheNumberOfSteps) {
  const auto strategy = CreateStrategy(NovaJob(1));
  ParameterSet base(testing::Layout({{1}}));
  const ParameterSet update = NovaUpdate(*strategy, base, -6, 3);
  ASSERT_EQ(update.layout().entries().size(), 2U);
  EXPECT_EQ(update.F32(0)[0], -2);
  EXPECT_EQ(update.F32(1)[0], 3);
}

TEST(FedNova, AsManyStepsAsAFloatCountsAreWithinTheFirstBound) {
  const auto strategy = CreateStrategy(NovaJob(1));
  const LaneSet lanes = LanesOf(*strategy, testing::Layout({{1}})).value();
  const float magnitude = 1;
  const auto scales = ComputeLaneScales(lanes, {&magnitude, 1}, {1U << 29, 1U << 14}, 0).value();
  EXPECT_EQ(scales[1].bound_log2, 20);
  EXPECT_GE(scales[1].scale_log2, 0) << "whole numbers are summed without rounding";
}

TEST(FedNova, TheServerKeepsNothing) {
  EXPECT_TRUE(CreateStrategy(NovaJob(1))->state_kinds().empty());
}

}  // namespace
}  // namespace muster
