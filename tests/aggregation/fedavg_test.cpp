#include "aggregation/fedavg.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

JobSpec Job(double momentum, WeightPolicy weights = WeightPolicy::examples) {
  JobSpec job;
  job.strategy.server_learning_rate = 0.5;
  job.strategy.server_momentum = momentum;
  job.aggregation.weights = weights;
  job.aggregation.weight_max = 100;
  return job;
}

/// Applies the strategy to one element: sum 3 * 2^4 of denominator 2 is a mean of 1.5.
struct Element {
  float model;
  float momentum;
};
Element Applied(const Strategy& strategy, Element old) {
  const std::uint64_t sum = 48;
  const LaneTile lane = {.sums = std::span(&sum, 1), .unit = 1.0 / 16, .denominator = 2};
  Element result = {};
  const std::span<const float> old_state(&old.momentum, 1);
  const std::span<float> new_state(&result.momentum, 1);
  const std::size_t kinds = strategy.state_kinds().size();
  strategy.Apply({.model = std::span(&old.model, 1),
                  .state = std::span(&old_state, kinds),
                  .lanes = std::span(&lane, 1)},
                 {.model = std::span(&result.model, 1), .state = std::span(&new_state, kinds)});
  return result;
}

TEST(FedAvg, MovesTheModelByTheLearningRateTimesTheMean) {
  const auto strategy = CreateStrategy(Job(0));
  EXPECT_EQ(Applied(*strategy, {.model = 10, .momentum = 7}).model, 10.75F);
}

TEST(FedAvg, MomentumIsAddedUp) {
  const auto strategy = CreateStrategy(Job(0.5));
  const Element first = Applied(*strategy, {.model = 10, .momentum = 0});
  EXPECT_EQ(first.momentum, 1.5F);
  EXPECT_EQ(first.model, 10.75F);
  const Element second = Applied(*strategy, first);
  EXPECT_EQ(second.momentum, 2.25F);
  EXPECT_EQ(second.model, 11.875F);
}

TEST(FedAvg, TheModelMovesByTheUnroundedStep) {
  // m * momentum + mean = 1.5 + 2^-30 needs more bits than a float has; from a model of -0.75 the
  // step survives in the model alone.
  const auto strategy = CreateStrategy(Job(0.5));
  const Element result = Applied(*strategy, {.model = -0.75F, .momentum = 0x1p-29F});
  EXPECT_EQ(result.momentum, 1.5F);
  EXPECT_EQ(result.model, 0x1p-31F);
}

TEST(FedAvg, WithoutMomentumTheServerKeepsNothing) {
  const ParameterLayout model = testing::Layout({{3, 4}, {4}});
  EXPECT_EQ(StateLayout(*CreateStrategy(Job(0)), model).value().entries().size(), 0U);
}

TEST(FedAvg, MomentumIsKeptForEveryTensorUnderItsName) {
  const ParameterLayout model = testing::Layout({{3, 4}, {4}});
  const ParameterLayout state = StateLayout(*CreateStrategy(Job(0.9)), model).value();
  ASSERT_EQ(state.entries().size(), 2U);
  EXPECT_EQ(state.entries()[0].spec, (TensorSpec{"server/momentum/layer0", DType::f32, {3, 4}}));
  EXPECT_EQ(state.entries()[1].spec, (TensorSpec{"server/momentum/layer1", DType::f32, {4}}));
}

TEST(FedAvg, SumsOneLaneOfTheModelsShape) {
  const ParameterLayout model = testing::Layout({{3, 4}, {4}});
  const auto lanes = CreateStrategy(Job(0.9))->Lanes(model);
  ASSERT_EQ(lanes.size(), 1U);
  EXPECT_EQ(lanes[0].layout, model);
  EXPECT_EQ(lanes[0].weight, LaneWeight::update);
}

TEST(FedAvg, AsksForTheJobsTrainingInEveryRound) {
  JobSpec job = Job(0);
  job.train = {.epochs = 3, .batch_size = 7, .learning_rate = 0.25, .duration_ms = 40};
  const auto strategy = CreateStrategy(job);
  for (const Round round : {1, 2, 1000}) {
    const LocalTraining work = strategy->Ask(round);
    const TrainSpec& ask = work.train;
    EXPECT_EQ(work.proximal_mu, 0);
    EXPECT_EQ(ask.epochs, 3U);
    EXPECT_EQ(ask.batch_size, 7U);
    EXPECT_EQ(ask.learning_rate, 0.25);
    EXPECT_EQ(ask.duration_ms, 40U);
  }
}

TEST(FedAvg, WeightIsTheNumberOfExamplesWithinTheMaximum) {
  const auto strategy = CreateStrategy(Job(0));
  EXPECT_EQ(strategy->UpdateWeight(1).value(), 1U);
  EXPECT_EQ(strategy->UpdateWeight(100).value(), 100U);
  EXPECT_EQ(strategy->UpdateWeight(101).error().reason, Reason::weight_invalid);
  EXPECT_EQ(strategy->UpdateWeight(0).error().reason, Reason::weight_invalid);
}

TEST(FedAvg, UniformWeightsTellNothing) {
  const auto strategy = CreateStrategy(Job(0, WeightPolicy::uniform));
  EXPECT_EQ(strategy->UpdateWeight(12345).value(), 1U);
}

TEST(FedAvg, AcceptsTheWeightsThatItGivesAndNoOthers) {
  for (const WeightPolicy policy : {WeightPolicy::examples, WeightPolicy::uniform}) {
    const auto strategy = CreateStrategy(Job(0, policy));
    std::set<std::uint64_t> given;
    for (std::uint64_t examples = 0; examples <= 200; ++examples) {
      if (const auto weight = strategy->UpdateWeight(examples)) given.insert(*weight);
    }
    ASSERT_FALSE(given.empty());
    for (std::uint64_t weight = 0; weight <= 200; ++weight) {
      const Status accepted = strategy->CheckUpdateWeight(weight);
      EXPECT_EQ(accepted.has_value(), given.contains(weight)) << weight;
      if (accepted.has_value()) continue;
      EXPECT_EQ(accepted.error().reason, Reason::weight_invalid);
    }
  }
}

}  // namespace
}  // namespace muster
