// FedProx' share of local training: Li 2020, algorithm 2.
#include <gtest/gtest.h>

#include <utility>

#include "tests/training/black_images.h"

namespace muster {
namespace {

class ProximalTerm : public BlackImagesTest {};

// Two steps of the whole part, rate 1, mu 0.5, from a base b = 0. The gradient of bias k is
// softmax(b)_k - [k = 0], to which mu * (b_k - base_k) is added.
//   step 1: softmax = 0.1; w - base = 0.
//           b_0 = 0 - (0.1 - 1)          =  0.9
//           b_k = 0 - 0.1                = -0.1
//   step 2: softmax: e^0.9 / (e^0.9 + 9 e^-0.1) = e / (e + 9) = 0.2319693
//                    e^-0.1 / (...)             = 1 / (e + 9) = 0.0853367
//           b_0 =  0.9 - (0.2319693 - 1) - 0.5 * 0.9    =  1.2180307
//           b_k = -0.1 - 0.0853367       - 0.5 * (-0.1) = -0.1353367
TEST_F(ProximalTerm, TwoStepsAreWhatTheyAreByHand) {
  const auto trainer = BlackImages();
  LocalTraining ask{{.epochs = 2, .batch_size = 0, .learning_rate = 1.0}, 0.5};
  const ParameterSet base(trainer->layout());
  const Fitted fitted = FitOnce(*trainer, {1, 0, 0}, ask, base);
  ASSERT_EQ(fitted.positions.size(), 2U);
  const std::span<const float> biases = fitted.delta.F32(1);
  EXPECT_NEAR(biases[0], 1.2180307, 1e-6);
  for (std::size_t label = 1; label < kClassCount; ++label) {
    EXPECT_NEAR(biases[label], -0.1353367, 1e-6) << label;
  }
}

TEST_F(ProximalTerm, TheFirstStepFromTheBaseFeelsNothing) {
  const auto trainer = TrainerOf(SmallJob());
  const LocalTraining plain{{.epochs = 1, .batch_size = 0}};
  const LocalTraining held{{.epochs = 1, .batch_size = 0}, 3.0};
  const ParameterSet base = trainer->InitialParameters();
  const Fitted one = FitOnce(*trainer, {1, 0, 0}, plain, base);
  const Fitted other = FitOnce(*trainer, {1, 0, 0}, held, base);
  for (std::size_t tensor = 0; tensor < 4; ++tensor) {
    for (std::size_t i = 0; i < one.delta.F32(tensor).size(); ++i) {
      ASSERT_NEAR(one.delta.F32(tensor)[i], other.delta.F32(tensor)[i], 1e-6);
    }
  }
}

TEST_F(ProximalTerm, OfMuZeroIsPlainSgdBitForBit) {
  const JobSpec job = SmallJob();
  const auto trainer = TrainerOf(job);
  const ParameterSet base = trainer->InitialParameters();
  const Fitted plain = FitOnce(*trainer, {1, 0, 0}, job.train, base);
  const Fitted held = FitOnce(*trainer, {1, 0, 0}, LocalTraining{job.train, 0.0}, base);
  EXPECT_TRUE(SameBits(plain.delta, held.delta));
}

double SquaredLength(const ParameterSet& parameters) {
  double sum = 0;
  for (std::size_t tensor = 0; tensor < parameters.layout().entries().size(); ++tensor) {
    for (const float value : parameters.F32(tensor)) sum += static_cast<double>(value) * value;
  }
  return sum;
}

TEST_F(ProximalTerm, TheLargerMuIsTheNearerTheModelStays) {
  JobSpec job = SmallJob();
  job.train.epochs = 5;
  const auto trainer = TrainerOf(job);
  const ParameterSet base = trainer->InitialParameters();
  double length = SquaredLength(FitOnce(*trainer, {1, 0, 0}, job.train, base).delta);
  for (const double mu : {0.1, 0.5, 2.0}) {
    const Fitted fitted = FitOnce(*trainer, {1, 0, 0}, LocalTraining{job.train, mu}, base);
    const double nearer = SquaredLength(fitted.delta);
    EXPECT_LT(nearer, 0.95 * length) << "mu " << mu;
    length = nearer;
  }
}

TEST_F(ProximalTerm, AFitCutAtAnyBatchGoesOnToTheSameBits) {
  const JobSpec job = SmallJob();
  const LocalTraining ask{job.train, 0.7};
  const ParameterSet base = TrainerOf(job)->InitialParameters();
  const Fitted whole = FitOnce(*TrainerOf(job), {1, 0, 0}, ask, base);
  ASSERT_EQ(whole.positions.size(), 5U);
  for (int cut = 0; cut < 5; ++cut) {
    auto first = TrainerOf(job);
    ASSERT_TRUE(FitOnce(*first, {1, 0, 0}, ask, base, cut).result.cancelled);
    auto second = TrainerOf(job);
    ASSERT_TRUE(second->Load(first->Save(), ask).has_value());
    EXPECT_TRUE(SameBits(FitOnce(*second, {1, 0, 0}, ask, base).delta, whole.delta)) << cut;
  }
}

// The second of two steps over 600 examples, which are more than one piece: a plain step from where
// the first one led, less rate * mu of the way that it led.
TEST_F(ProximalTerm, BatchesOfSeveralPiecesArePulledOnce) {
  JobSpec job = SmallJob();
  job.data.parts = 1;
  job.data.train_examples = 600;
  job.round.goal = 1;
  job.round.quorum = 1;
  const auto trainer = TrainerOf(job);
  const ParameterSet base = trainer->InitialParameters();
  const TrainSpec train = {.epochs = 1, .batch_size = 0, .learning_rate = 0.1};
  const TrainSpec two_steps = {.epochs = 2, .batch_size = 0, .learning_rate = 0.1};
  const double mu = 2.0;
  const Fitted first = FitOnce(*trainer, {1, 0, 0}, train, base);
  ParameterSet moved = trainer->InitialParameters();
  for (std::size_t tensor = 0; tensor < 4; ++tensor) {
    for (std::size_t i = 0; i < moved.F32(tensor).size(); ++i) {
      moved.F32(tensor)[i] += first.delta.F32(tensor)[i];
    }
  }
  const Fitted second = FitOnce(*trainer, {1, 0, 0}, train, moved);
  const Fitted both = FitOnce(*trainer, {1, 0, 0}, LocalTraining{two_steps, mu}, base);
  for (std::size_t tensor = 0; tensor < 4; ++tensor) {
    for (std::size_t i = 0; i < moved.F32(tensor).size(); ++i) {
      const double step = first.delta.F32(tensor)[i];
      const double wanted = step + second.delta.F32(tensor)[i] - 0.1 * mu * step;
      ASSERT_NEAR(both.delta.F32(tensor)[i], wanted, 1e-5);
    }
  }
}

}  // namespace
}  // namespace muster
