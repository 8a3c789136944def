#include "training/synthetic_trainer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "tests/training/job_support.h"

namespace muster {
namespace {

constexpr FitTask kTask = {3, 1, 0};

class SyntheticTrainer : public ::testing::Test {
 protected:
  const JobSpec job_ = SyntheticJob();
  const std::unique_ptr<Trainer> trainer_ = TrainerOf(job_);
  const ParameterSet base_ = trainer_->InitialParameters();
};

TEST_F(SyntheticTrainer, ABaseThatIsNotFiniteIsRefused) {
  for (const float wrong : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    ParameterSet base = base_.Clone();
    base.F32(0)[999] = wrong;
    ParameterSet delta(trainer_->layout());
    const auto fit =
        trainer_->Fit(kTask, {job_.train}, base, {}, delta, {}, [](const FitPosition&) {});
    ASSERT_FALSE(fit.has_value());
    EXPECT_EQ(fit.error().reason, Reason::not_finite);
    EXPECT_EQ(trainer_->Evaluate(base, {}).error().reason, Reason::not_finite);
  }
}

TEST_F(SyntheticTrainer, ACutFitGoesOnToTheSameBits) {
  const Fitted whole = FitOnce(*trainer_, kTask, job_.train, base_);
  ASSERT_EQ(whole.positions.size(), kSyntheticBatches);
  for (int cut = 0; cut < static_cast<int>(kSyntheticBatches); ++cut) {
    const auto first = TrainerOf(job_);
    ASSERT_TRUE(FitOnce(*first, kTask, job_.train, base_, cut).result.cancelled);
    const auto second = TrainerOf(job_);
    ASSERT_TRUE(second->Load(first->Save(), {job_.train}).has_value());
    const Fitted after = FitOnce(*second, kTask, job_.train, base_);
    EXPECT_EQ(after.positions.size(), kSyntheticBatches - static_cast<std::size_t>(cut));
    EXPECT_TRUE(SameBits(after.delta, whole.delta));
    EXPECT_EQ(after.result.examples, whole.result.examples);
  }
}

TEST_F(SyntheticTrainer, AStopEndsTheWaitAtOnce) {
  JobSpec job = job_;
  job.train.duration_ms = 3'600'000;
  const auto trainer = TrainerOf(job);
  ParameterSet delta(trainer->layout());
  Result<FitResult> fit;
  std::jthread fitting([&](std::stop_token stop) {
    fit = trainer->Fit(kTask, {job.train}, base_, {}, delta, stop,
                       [](const FitPosition&) { ADD_FAILURE(); });
  });
  fitting.request_stop();
  fitting.join();
  ASSERT_TRUE(fit.has_value());
  EXPECT_TRUE(fit->cancelled);
  EXPECT_FALSE(trainer->Save().empty());
}

TEST_F(SyntheticTrainer, AFitLastsAsLongAsStated) {
  JobSpec job = job_;
  job.train.duration_ms = 50;
  const auto trainer = TrainerOf(job);
  const auto begin = std::chrono::steady_clock::now();
  FitOnce(*trainer, kTask, job.train, base_);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(50));
}

TEST_F(SyntheticTrainer, TheDeltaDependsOnTaskAndBaseAlone) {
  const Fitted fitted = FitOnce(*trainer_, kTask, job_.train, base_);
  EXPECT_TRUE(SameBits(FitOnce(*TrainerOf(job_, 5), kTask, job_.train, base_).delta, fitted.delta));
  ParameterSet other_base = base_.Clone();
  other_base.F32(0)[999] += 1.0F;
  const Fitted elsewhere = FitOnce(*trainer_, kTask, job_.train, other_base);
  EXPECT_FALSE(SameBits(elsewhere.delta, fitted.delta));
  EXPECT_EQ(elsewhere.result.examples, fitted.result.examples);
  for (const FitTask& other : {FitTask{4, 1, 0}, FitTask{3, 2, 0}, FitTask{3, 1, 1}}) {
    EXPECT_FALSE(SameBits(FitOnce(*trainer_, other, job_.train, base_).delta, fitted.delta));
  }
}

TEST_F(SyntheticTrainer, DeltasAndWeightsStayInTheirRanges) {
  for (Slot slot = 0; slot < 50; ++slot) {
    const Fitted fitted = FitOnce(*trainer_, {1, slot, 0}, job_.train, base_);
    for (const float value : fitted.delta.F32(0)) {
      ASSERT_LE(std::abs(value), kSyntheticDeltaMax);
    }
    ASSERT_GE(fitted.result.examples, 1U);
    ASSERT_LE(fitted.result.examples, 1000U);
  }
}

TEST_F(SyntheticTrainer, LossIsTheMeanSquare) {
  ParameterSet model(trainer_->layout());
  EXPECT_DOUBLE_EQ(trainer_->Evaluate(model, {})->accuracy, 1.0);
  for (float& value : model.F32(0)) value = 2.0F;
  EXPECT_DOUBLE_EQ(trainer_->Evaluate(model, {})->loss, 4.0);
  EXPECT_DOUBLE_EQ(trainer_->Evaluate(model, {})->accuracy, 0.2);
}

}  // namespace
}  // namespace muster
