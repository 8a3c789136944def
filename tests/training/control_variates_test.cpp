// SCAFFOLD's share of local training: Karimireddy 2020, algorithm 1, line 10.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "aggregation/strategy.h"
#include "aggregation/version.h"
#include "common/random.h"
#include "tests/training/black_images.h"

namespace muster {
namespace {

JobSpec ControlJob(JobSpec job = SmallJob()) {
  job.strategy.kind = StrategyKind::scaffold;
  return job;
}

/// The model with the server's control variates behind it.
ParameterSet WithServerControl(const ParameterSet& model) {
  return InitialVersion(*CreateStrategy(ControlJob()), model).value();
}

class ControlVariates : public BlackImagesTest {};

// Two steps of the whole part, rate 1, from a model b of zeros. The gradient of bias k is
// softmax(b)_k - [k = 0], from which c_i - c = (0.25 - 0.5, 0, ...) is taken, so that each step
// adds it:
//   step 1: softmax = 0.1
//           b_0 = 0 - (0.1 - 1) - 0.25                  =  0.65
//           b_k = 0 - 0.1                               = -0.1
//   step 2: softmax: e^0.65 / (e^0.65 + 9 e^-0.1) = e^0.75 / (e^0.75 + 9) = 0.1904291
//                    e^-0.1 / (...)               = 1 / (e^0.75 + 9)      = 0.0899523
//           b_0 =  0.65 - (0.1904291 - 1) - 0.25        =  1.2095709
//           b_k = -0.1 - 0.0899523                      = -0.1899523
TEST_F(ControlVariates, TwoStepsAreWhatTheyAreByHand) {
  const auto trainer = BlackImages();
  const LocalTraining ask{.train = {.epochs = 2, .batch_size = 0, .learning_rate = 1.0},
                          .control_variates = true};
  ParameterSet base = WithServerControl(ParameterSet(trainer->layout()));
  base.F32(3)[0] = 0.5F;
  ParameterSet own(trainer->layout());
  own.F32(1)[0] = 0.25F;
  const Fitted fitted = FitOnce(*trainer, {1, 0, 0}, ask, base, -1, std::as_const(own).bytes());
  ASSERT_EQ(fitted.result.steps, 2U);
  const std::span<const float> biases = fitted.delta.F32(1);
  EXPECT_NEAR(biases[0], 1.2095709, 1e-6);
  for (std::size_t label = 1; label < kClassCount; ++label) {
    EXPECT_NEAR(biases[label], -0.1899523, 1e-6) << label;
  }
}

class ControlledFit : public ::testing::Test {
 protected:
  ControlledFit() {
    KeyedStream stream(1, "control variates of a test", {});
    const std::size_t tensors = own_.layout().entries().size();
    for (std::size_t tensor = 0; tensor < tensors; ++tensor) {
      for (float& value : own_.F32(tensor)) value = stream.Uniform(-0.1F, 0.1F);
      for (float& value : base_.F32(tensors + tensor)) value = stream.Uniform(-0.1F, 0.1F);
    }
  }

  Fitted Train(Trainer& trainer, ByteSpan client, int stop_after = -1) {
    return FitOnce(trainer, {3, 1, 0}, ask_, base_, stop_after, client);
  }

  const JobSpec job_ = ControlJob();
  const LocalTraining ask_ = CreateStrategy(job_)->Ask(3);
  ParameterSet own_{TrainerOf(job_)->layout()};
  ParameterSet base_ = WithServerControl(TrainerOf(job_)->InitialParameters());
};

// K steps of rate e that are each corrected by the same c_i - c; the gradients differ as soon as
// the model does, so this is looked at after one step.
TEST_F(ControlledFit, AStepIsCorrectedByRateTimesTheDifference) {
  LocalTraining one_step = ask_;
  one_step.train.steps = 1;
  LocalTraining plain = one_step;
  plain.control_variates = false;
  const auto trainer = TrainerOf(job_);
  const Fitted corrected =
      FitOnce(*trainer, {3, 1, 0}, one_step, base_, -1, std::as_const(own_).bytes());
  const Fitted other = FitOnce(*trainer, {3, 1, 0}, plain, base_);
  const std::size_t tensors = own_.layout().entries().size();
  const double rate = one_step.train.learning_rate;
  for (std::size_t tensor = 0; tensor < tensors; ++tensor) {
    for (std::size_t i = 0; i < own_.F32(tensor).size(); ++i) {
      const double difference = own_.F32(tensor)[i] - base_.F32(tensors + tensor)[i];
      ASSERT_NEAR(corrected.delta.F32(tensor)[i], other.delta.F32(tensor)[i] + rate * difference,
                  1e-6);
    }
  }
}

TEST_F(ControlledFit, CutAtAnyBatchGoesOnToTheSameBits) {
  for (const ByteSpan client : {ByteSpan(), std::as_const(own_).bytes()}) {
    const Fitted whole = Train(*TrainerOf(job_), client);
    ASSERT_GE(whole.positions.size(), 3U);
    for (int cut = 0; cut < static_cast<int>(whole.positions.size()); ++cut) {
      auto before = TrainerOf(job_);
      ASSERT_TRUE(Train(*before, client, cut).result.cancelled);
      auto after = TrainerOf(job_);
      ASSERT_TRUE(after->Load(before->Save(), ask_));
      const Fitted rest = Train(*after, client);
      EXPECT_EQ(rest.positions.size(), whole.positions.size() - static_cast<std::size_t>(cut));
      EXPECT_TRUE(SameBits(rest.delta, whole.delta)) << "cut at " << cut;
      EXPECT_EQ(rest.result.client, whole.result.client);
    }
  }
}

TEST_F(ControlledFit, AFreshStateIsOneOfZeros) {
  const ParameterSet zeros(own_.layout());
  const Fitted fresh = Train(*TrainerOf(job_), {});
  EXPECT_TRUE(SameBits(fresh.delta, Train(*TrainerOf(job_), zeros.bytes()).delta));
  EXPECT_FALSE(SameBits(fresh.delta, Train(*TrainerOf(job_), std::as_const(own_).bytes()).delta));
}

TEST_F(ControlledFit, AStateOfAnotherSizeIsRefused) {
  for (const JobSpec& job : {job_, ControlJob(SyntheticJob())}) {
    const auto trainer = TrainerOf(job);
    const ParameterSet base = WithServerControl(trainer->InitialParameters());
    ParameterSet delta(trainer->layout());
    const Bytes client(trainer->layout().total_bytes() - 1);
    const auto fit = trainer->Fit({1, 0, 0}, CreateStrategy(job)->Ask(1), base, client, delta, {},
                                  [](const FitPosition&) {});
    ASSERT_FALSE(fit);
    EXPECT_EQ(fit.error().reason, Reason::file_malformed);
  }
}

}  // namespace
}  // namespace muster
