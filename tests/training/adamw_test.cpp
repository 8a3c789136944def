// AdamW: two steps worked by hand, what goes on from fit to fit, and a fit that is cut short.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "tests/training/job_support.h"
#include "training/kernels.h"
#include "training/local_steps.h"

namespace muster {
namespace {

constexpr FitTask kAdamTask = {3, 1, 0};
constexpr std::uint32_t kSteps = 7;  // Of 5 batches an epoch.

JobSpec AdamJob() {
  JobSpec job = SmallJob();
  job.train.optimizer = Optimizer::adamw;
  job.train.learning_rate = 0.01;
  job.train.steps = kSteps;
  return job;
}

// Loshchilov and Hutter 2019, algorithm 2, with w = (1, -2), rate 0.1, b1 = 0.9, b2 = 0.999, decay
// 0.01 and epsilon small enough to be left out:
//   t = 1, g = (0.5, -1):
//     m = 0.1 g = (0.05, -0.1), / (1 - 0.9) = (0.5, -1)
//     v = 0.001 g^2 = (0.00025, 0.001), / (1 - 0.999) = (0.25, 1), root (0.5, 1)
//     w = (1, -2) - 0.1 ((1, -1) + 0.01 (1, -2)) = (0.899, -1.898)
//   t = 2, g = (-0.25, 0.5):
//     m = 0.9 (0.05, -0.1) + 0.1 g = (0.02, -0.04), / (1 - 0.81) = (0.105263158, -0.210526316)
//     v = 0.999 (0.00025, 0.001) + 0.001 g^2 = (0.00031225, 0.001249), / (1 - 0.998001) =
//         (0.156203102, 0.624812406), root (0.395225382, 0.790450761)
//     w = (0.899, -1.898) - 0.1 ((0.266337040, -0.266337040) + (0.00899, -0.01898))
//       = (0.871467296, -1.869468296)
TEST(AdamW, TwoStepsAreThoseWorkedByHand) {
  for (const InstructionSet set : {InstructionSet::baseline, InstructionSet::x86_v3}) {
    if (!IsSupported(set)) continue;
    alignas(64) std::array<float, 2> w = {1, -2}, m = {}, v = {};
    alignas(64) std::array<float, 2> gradient = {0.5, -1};
    AdamWStep step{.rate = 0.1F,
                   .beta1 = 0.9F,
                   .beta2 = 0.999F,
                   .rest1 = 0.1F,
                   .rest2 = 0.001F,
                   .first_scale = static_cast<float>(1 / (1 - 0.9)),
                   .second_scale = static_cast<float>(1 / (1 - 0.999)),
                   .epsilon = 1e-8F,
                   .decay = 0.01F};
    Kernels(set).adamw(step, 2, w.data(), gradient.data(), m.data(), v.data());
    EXPECT_NEAR(w[0], 0.899, 1e-6);
    EXPECT_NEAR(w[1], -1.898, 1e-6);
    gradient = {-0.25, 0.5};
    step.first_scale = static_cast<float>(1 / (1 - 0.81));
    step.second_scale = static_cast<float>(1 / (1 - 0.998001));
    Kernels(set).adamw(step, 2, w.data(), gradient.data(), m.data(), v.data());
    EXPECT_NEAR(w[0], 0.871467296, 2e-6);
    EXPECT_NEAR(w[1], -1.869468296, 2e-6);
    EXPECT_NEAR(m[0], 0.02, 1e-7);
    EXPECT_NEAR(v[1], 0.001249, 1e-8);
  }
}

class AdamWFit : public ::testing::Test {
 protected:
  AdamWFit() : base_(TrainerOf(job_)->InitialParameters()) {}

  Fitted Train(Trainer& trainer, ByteSpan client, int stop_after = -1) {
    return FitOnce(trainer, kAdamTask, LocalTraining{job_.train}, base_, stop_after, client);
  }

  JobSpec job_ = AdamJob();
  ParameterSet base_;
};

// From moments of zero, m / (1 - b1) is the gradient and the root of v / (1 - b2) its magnitude.
TEST_F(AdamWFit, TheFirstStepMovesEachValueByTheRate) {
  job_.train.steps = 1;
  job_.train.weight_decay = 0;
  const Fitted fitted = Train(*TrainerOf(job_), {});
  int moved = 0, by_the_rate = 0;
  for (std::size_t tensor = 0; tensor < base_.layout().entries().size(); ++tensor) {
    for (const float delta : fitted.delta.F32(tensor)) {
      if (delta == 0) continue;  // A pixel that no example has: its gradient is 0.
      ++moved;
      EXPECT_LE(std::abs(delta), 0.01F * 1.001F);
      // Less only where the gradient is so small that epsilon shows.
      if (std::abs(delta) > 0.01F * 0.99F) ++by_the_rate;
    }
  }
  EXPECT_GT(moved, 1'000);
  EXPECT_GT(by_the_rate, moved / 2);
}

// Loshchilov 2019, algorithm 2, line 12: the decay is the rate times its share of the value, beside
// the step and not in the gradient.
TEST_F(AdamWFit, TheDecayShrinksEachValueByItsShareOfTheRate) {
  job_.train.steps = 1;
  job_.train.weight_decay = 0;
  const Fitted without = Train(*TrainerOf(job_), {});
  job_.train.weight_decay = 0.5;
  const Fitted with = Train(*TrainerOf(job_), {});
  for (std::size_t tensor = 0; tensor < base_.layout().entries().size(); ++tensor) {
    for (std::size_t i = 0; i < base_.F32(tensor).size(); ++i) {
      EXPECT_NEAR(with.delta.F32(tensor)[i] - without.delta.F32(tensor)[i],
                  -0.01 * 0.5 * base_.F32(tensor)[i], 1e-7);
    }
  }
}

TEST_F(AdamWFit, GoesOnToTheNextEpochUntilItsStepsAreDone) {
  const Fitted fitted = Train(*TrainerOf(job_), {});
  ASSERT_EQ(fitted.positions.size(), kSteps);
  EXPECT_EQ(fitted.positions.back().epoch, 1U);
  EXPECT_EQ(fitted.positions.back().batch, 2U);
  EXPECT_EQ(fitted.positions.back().batches_total, kSteps);
  EXPECT_EQ(fitted.result.examples, 50U);
}

TEST_F(AdamWFit, WeighsOnlyTheExamplesThatItSaw) {
  job_.train.steps = 3;
  EXPECT_EQ(Train(*TrainerOf(job_), {}).result.examples, 30U);
}

TEST_F(AdamWFit, BeginsFromTheMomentsItIsGiven) {
  auto trainer = TrainerOf(job_);
  const Fitted first = Train(*trainer, {});
  ASSERT_EQ(first.result.client.size(), MomentBytes({job_.train}, trainer->layout()));
  EXPECT_EQ(LoadLittle<std::uint64_t>(first.result.client, 8), kSteps);
  const Fitted second = Train(*trainer, first.result.client);
  EXPECT_EQ(LoadLittle<std::uint64_t>(second.result.client, 8), 2 * kSteps);
  EXPECT_FALSE(SameBits(first.delta, second.delta)) << "the moments change nothing";
  EXPECT_TRUE(SameBits(second.delta, Train(*TrainerOf(job_), first.result.client).delta))
      << "equal states and tasks have equal bits";
}

TEST_F(AdamWFit, CutAtAnyBatchGoesOnToTheSameBits) {
  const Bytes client = Train(*TrainerOf(job_), {}).result.client;
  for (const ByteSpan from : {ByteSpan(), ByteSpan(client)}) {
    const Fitted whole = Train(*TrainerOf(job_), from);
    for (int cut = 0; cut < static_cast<int>(kSteps); ++cut) {
      auto before = TrainerOf(job_);
      ASSERT_TRUE(Train(*before, from, cut).result.cancelled);
      auto after = TrainerOf(job_);
      ASSERT_TRUE(after->Load(before->Save(), {job_.train}));
      const Fitted rest = Train(*after, from);
      EXPECT_EQ(rest.positions.size(), kSteps - static_cast<std::size_t>(cut));
      EXPECT_TRUE(SameBits(rest.delta, whole.delta)) << "cut after " << cut;
      EXPECT_EQ(rest.result.client, whole.result.client) << "cut after " << cut;
    }
  }
}

TEST_F(AdamWFit, ProgressFromOtherMomentsIsForgotten) {
  const Bytes client = Train(*TrainerOf(job_), {}).result.client;
  auto before = TrainerOf(job_);
  Train(*before, {}, 3);
  auto after = TrainerOf(job_);
  ASSERT_TRUE(after->Load(before->Save(), {job_.train}));
  EXPECT_EQ(Train(*after, client).positions.size(), kSteps);
}

TEST_F(AdamWFit, RefusesAStateThatIsNotItsOwn) {
  auto trainer = TrainerOf(job_);
  Bytes client = Train(*trainer, {}).result.client;
  ParameterSet delta(trainer->layout());
  const auto fit = [&](ByteSpan state) {
    return trainer->Fit(kAdamTask, {job_.train}, base_, state, delta, {},
                        [](const FitPosition&) {});
  };
  EXPECT_EQ(fit(ByteSpan(client).first(client.size() - 1)).error().reason, Reason::file_malformed);
  client[0] ^= std::byte{1};
  EXPECT_EQ(fit(client).error().reason, Reason::file_malformed);
}

TEST_F(AdamWFit, LearnsFromRoundToRound) {
  auto trainer = TrainerOf(job_);
  const double before = trainer->Evaluate(base_, {})->accuracy;
  Bytes client;
  for (Round round = 1; round <= 20; ++round) {
    const Fitted fitted =
        FitOnce(*trainer, {round, 0, 0}, LocalTraining{job_.train}, base_, -1, client);
    client = fitted.result.client;
    for (std::size_t tensor = 0; tensor < base_.layout().entries().size(); ++tensor) {
      const std::span<const float> step = fitted.delta.F32(tensor);
      for (std::size_t i = 0; i < step.size(); ++i) base_.F32(tensor)[i] += step[i];
    }
  }
  EXPECT_GT(trainer->Evaluate(base_, {})->accuracy, before + 0.2);
}

}  // namespace
}  // namespace muster
