#include "training/central.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "aggregation/scales.h"
#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "tests/aggregation/ring_inputs.h"
#include "tests/training/job_support.h"

namespace muster {
namespace {

// One round in which every part takes part, as a coordinator makes it: the strategy's ask and
// weights, the ring, its exponents, and the built version.
ParameterSet FederatedVersion(const JobSpec& job) {
  const auto strategy = CreateStrategy(job);
  const auto trainer = TrainerOf(job);
  const ParameterSet model = trainer->InitialParameters();
  const ParameterSet parent = InitialVersion(*strategy, model).value();
  const auto parent_manifest =
      DescribeVersion(parent, static_cast<std::uint32_t>(model.layout().entries().size()), 0)
          .value();

  std::vector<ParameterSet> updates;
  std::vector<UpdateSource> sources;
  updates.reserve(job.data.parts);
  for (std::uint32_t part = 0; part < job.data.parts; ++part) {
    const auto member = TrainerOf(job, part);
    Fitted fitted = FitOnce(*member, {1, part, 0}, strategy->Ask(1), model);
    updates.push_back(std::move(fitted.delta));
    sources.push_back(
        testing::SourceOf(updates.back(), strategy->UpdateWeight(fitted.result.examples).value()));
  }

  LaneSet lanes = LanesOf(*strategy, model.layout()).value();
  const RingCapacity capacity = {job.aggregation.weight_max, job.data.parts};
  const auto scales = ComputeLaneScales(lanes, parent_manifest.tensor_max_abs, capacity, 0);
  RingSum sum(std::move(lanes));
  EXPECT_TRUE(sum.Reset(scales.value(), capacity).has_value());
  ThreadPool pool(2);
  EXPECT_TRUE(sum.Fold(sources, pool).has_value());
  ParameterSet version(parent.layout());
  EXPECT_TRUE(BuildVersion({*strategy, parent, sum, 1}, pool, version).has_value());
  return version;
}

ParameterSet CentralStep(const JobSpec& job) {
  const JobSpec central = CentralJob(job);
  const auto trainer = TrainerOf(central);
  Fitted fitted = FitOnce(*trainer, {1, 0, 0}, central.train, trainer->InitialParameters());
  EXPECT_EQ(fitted.positions.size(), 1U) << "one full batch is one step";
  return std::move(fitted.delta);
}

// McMahan 2017, section 2: with C = 1, B = infinity and E = 1 federated averaging is one step of
// central full-batch gradient descent.
void ExpectFederatedStepIsCentralStep(const JobSpec& job) {
  const ParameterSet model = TrainerOf(job)->InitialParameters();
  const ParameterSet version = FederatedVersion(job);
  const ParameterSet step = CentralStep(job);
  double largest = 0;
  for (std::size_t tensor = 0; tensor < model.layout().entries().size(); ++tensor) {
    for (std::size_t i = 0; i < model.F32(tensor).size(); ++i) {
      const double expected = static_cast<double>(model.F32(tensor)[i]) + step.F32(tensor)[i];
      ASSERT_NEAR(version.F32(tensor)[i], expected, 1e-6) << "tensor " << tensor << ", value " << i;
      largest = std::max(largest, std::abs(static_cast<double>(step.F32(tensor)[i])));
    }
  }
  EXPECT_GT(largest, 1e-3) << "the step moves nothing";
}

JobSpec FullBatchJob(ModelKind kind, std::uint32_t parts) {
  JobSpec job = SmallJob();
  job.model.kind = kind;
  job.model.hidden = {30, 20};
  job.train.batch_size = 0;
  job.data.parts = job.round.goal = job.round.quorum = parts;
  return job;
}

class OracleOfAnyPartition : public ::testing::TestWithParam<std::tuple<Partition, std::uint32_t>> {
};

TEST_P(OracleOfAnyPartition, FullBatchFederatedAveragingIsOneCentralStep) {
  for (const ModelKind kind : {ModelKind::softmax, ModelKind::mlp}) {
    JobSpec job = FullBatchJob(kind, std::get<1>(GetParam()));
    job.data.partition = std::get<0>(GetParam());
    // More than one piece of a batch. A prime: iid parts differ in size; shards must not.
    job.data.train_examples = job.data.partition == Partition::iid ? 1201 : 1260;
    ExpectFederatedStepIsCentralStep(job);
  }
}

// Parts of one example and of two: a mean that forgets the weights is far off.
TEST(Oracle, PartsOfWhichSomeAreTwiceAsLargeMakeOneCentralStep) {
  for (const std::uint32_t parts : {3, 7, 10}) {
    JobSpec job = FullBatchJob(ModelKind::mlp, parts);
    job.data.train_examples = parts + parts / 2;
    ExpectFederatedStepIsCentralStep(job);
  }
}

std::string CaseName(const ::testing::TestParamInfo<std::tuple<Partition, std::uint32_t>>& info) {
  const auto& [partition, parts] = info.param;
  return (partition == Partition::iid ? "Iid" : "Shards") + std::to_string(parts) + "Parts";
}

INSTANTIATE_TEST_SUITE_P(Parts, OracleOfAnyPartition,
                         ::testing::Combine(::testing::Values(Partition::iid, Partition::shards),
                                            ::testing::Values(1U, 3U, 7U, 10U)),
                         CaseName);

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
