#include "training/central.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/training/job_support.h"

namespace muster {
namespace {

// What FedAvg makes of one round in which every part takes part: the mean of the deltas, weighted
// by examples, in doubles.
std::vector<double> FederatedStep(const JobSpec& job) {
  std::vector<double> sum;
  double weights = 0;
  for (std::uint32_t part = 0; part < job.data.parts; ++part) {
    const auto trainer = TrainerOf(job, part);
    const Fitted fitted = FitOnce(*trainer, {1, part, 0}, trainer->InitialParameters());
    const auto weight = static_cast<double>(fitted.result.examples);
    weights += weight;
    std::size_t at = 0;
    sum.resize(trainer->layout().element_count());
    for (std::size_t tensor = 0; tensor < trainer->layout().entries().size(); ++tensor) {
      for (const float value : fitted.delta.F32(tensor)) sum[at++] += weight * value;
    }
  }
  for (double& value : sum) value /= weights;
  return sum;
}

std::vector<double> CentralStep(const JobSpec& job) {
  const auto trainer = TrainerOf(CentralJob(job));
  const Fitted fitted = FitOnce(*trainer, {1, 0, 0}, trainer->InitialParameters());
  EXPECT_EQ(fitted.positions.size(), 1U) << "one full batch is one step";
  std::vector<double> step;
  for (std::size_t tensor = 0; tensor < trainer->layout().entries().size(); ++tensor) {
    for (const float value : fitted.delta.F32(tensor)) step.push_back(value);
  }
  return step;
}

// McMahan 2017, section 2: with C = 1, B = infinity and E = 1 federated averaging is one step of
// central full-batch gradient descent.
void ExpectFederatedStepIsCentralStep(const JobSpec& job) {
  const std::vector<double> federated = FederatedStep(job);
  const std::vector<double> central = CentralStep(job);
  ASSERT_EQ(federated.size(), central.size());
  double largest = 0;
  for (std::size_t i = 0; i < central.size(); ++i) {
    ASSERT_NEAR(federated[i], central[i], 1e-6) << "value " << i;
    largest = std::max(largest, std::abs(central[i]));
  }
  EXPECT_GT(largest, 1e-3) << "the step moves nothing";
}

JobSpec FullBatchJob(ModelKind kind) {
  JobSpec job = SmallJob();
  job.model.kind = kind;
  job.model.hidden = {30, 20};
  job.train.batch_size = 0;
  return job;
}

TEST(Oracle, IidFullBatchFederatedAveragingIsOneCentralStep) {
  for (const ModelKind kind : {ModelKind::softmax, ModelKind::mlp}) {
    JobSpec job = FullBatchJob(kind);
    job.data.train_examples = 1203;  // Unequal parts, and more than one piece of a batch.
    ExpectFederatedStepIsCentralStep(job);
  }
}

TEST(Oracle, ShardedFullBatchFederatedAveragingIsOneCentralStep) {
  for (const ModelKind kind : {ModelKind::softmax, ModelKind::mlp}) {
    JobSpec job = FullBatchJob(kind);
    job.data.train_examples = 1200;
    job.data.partition = Partition::shards;
    ExpectFederatedStepIsCentralStep(job);
  }
}

double BestCentralAccuracy(ModelKind kind) {
  JobSpec job;
  job.model.kind = kind;
  job.model.hidden = {64};  // A small one: this runs under sanitizers too.
  job.data.train_examples = 4000;
  job.data.test_examples = 1000;
  job.train.learning_rate = 0.1;
  double best = 0;
  const auto model = CentralTrain(job, {}, 8, {}, [&](std::uint32_t, const Evaluation& evaluation) {
    best = std::max(best, evaluation.accuracy);
  });
  EXPECT_TRUE(model.has_value());
  return best;
}

TEST(BuiltinDigits, TheLinearModelStaysFivePointsBelowThePerceptron) {
  const double linear = BestCentralAccuracy(ModelKind::softmax);
  const double perceptron = BestCentralAccuracy(ModelKind::mlp);
  RecordProperty("softmax", std::to_string(linear));
  RecordProperty("mlp", std::to_string(perceptron));
  EXPECT_GT(linear, 0.70) << "the data cannot be learned";
  EXPECT_GT(perceptron, 0.91);
  EXPECT_LT(linear, perceptron - 0.05);
}

TEST(CentralTrain, StopsOnRequest) {
  std::stop_source source;
  source.request_stop();
  const auto model = CentralTrain(SmallJob(), {}, 1, source.get_token(),
                                  [](std::uint32_t, const Evaluation&) { ADD_FAILURE(); });
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().reason, Reason::cancelled);
}

}  // namespace
}  // namespace muster
