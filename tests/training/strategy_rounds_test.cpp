// Every strategy whose updates are one lane of deltas, trained to an accuracy: whole rounds in one
// process, every part in each, on parts of skewed labels.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "tests/aggregation/ring_inputs.h"
#include "tests/training/job_support.h"

namespace muster {
namespace {

constexpr Round kRoundsOfAStrategy = 12;

JobSpec DirichletJob(const StrategySpec& strategy) {
  JobSpec job;
  job.seed = 5;
  job.model.hidden = {32};
  job.data.parts = 10;
  job.data.partition = Partition::dirichlet;
  job.data.dirichlet_alpha = 0.1;
  job.data.train_examples = 2000;
  job.data.test_examples = 500;
  job.train.batch_size = 10;
  job.train.learning_rate = 0.1;
  job.strategy = strategy;
  return job;
}

double AccuracyAfterRounds(const StrategySpec& spec) {
  const JobSpec job = DirichletJob(spec);
  EXPECT_TRUE(ValidateJob(job).has_value());
  const auto strategy = CreateStrategy(job);
  std::vector<std::unique_ptr<Trainer>> trainers;
  for (std::uint32_t part = 0; part < job.data.parts; ++part) {
    trainers.push_back(TrainerOf(job, part));
  }
  ParameterSet model = trainers[0]->InitialParameters();
  const auto tensors = static_cast<std::uint32_t>(model.layout().entries().size());
  ParameterSet version = InitialVersion(*strategy, model).value();
  VersionManifest manifest = DescribeVersion(version, tensors, 0).value();
  const LaneSet lanes = LanesOf(*strategy, model.layout()).value();
  const RingCapacity capacity = {job.aggregation.weight_max, job.data.parts};
  ThreadPool pool(1);
  for (Round round = 1; round <= kRoundsOfAStrategy; ++round) {
    RingSum sum(lanes);
    const auto scales = ComputeLaneScales(lanes, manifest.tensor_max_abs, capacity, 0).value();
    EXPECT_TRUE(sum.Reset(scales, capacity).has_value());
    for (std::uint32_t part = 0; part < job.data.parts; ++part) {
      const Fitted fitted = FitOnce(*trainers[part], {round, part, 0}, strategy->Ask(round), model);
      const UpdateSource source =
          testing::SourceOf(fitted.delta, strategy->UpdateWeight(fitted.result.examples).value());
      EXPECT_TRUE(sum.Fold(std::span(&source, 1), pool).has_value());
    }
    ParameterSet next(version.layout());
    manifest = BuildVersion({*strategy, version, sum, round}, pool, next).value().manifest;
    version = std::move(next);
    std::ranges::copy(version.bytes().first(model.bytes().size()), model.bytes().begin());
  }
  return trainers[0]->Evaluate(model, {}).value().accuracy;
}

// A model that knows nothing has 0.1.
TEST(StrategyRounds, EachReachesItsFloor) {
  struct Row {
    const char* name;
    StrategySpec strategy;
    double floor;
  };
  const Row rows[] = {
      {"fedavg", {.kind = StrategyKind::fedavg}, 0.45},
      {"fedavgm", {.server_learning_rate = 0.5, .server_momentum = 0.8}, 0.53},
      {"fedadagrad",
       {.kind = StrategyKind::fedadagrad, .server_learning_rate = 0.1, .tau = 0.01},
       0.58},
      {"fedadam",
       {.kind = StrategyKind::fedadam, .server_learning_rate = 0.02, .tau = 0.001},
       0.62},
      {"fedyogi",
       {.kind = StrategyKind::fedyogi, .server_learning_rate = 0.02, .tau = 0.001},
       0.62},
      {"fedprox", {.kind = StrategyKind::fedprox, .proximal_mu = 0.01}, 0.45},
      {"nesterov",
       {.kind = StrategyKind::nesterov, .server_learning_rate = 0.7, .server_momentum = 0.8},
       0.62},
  };
  for (const Row& row : rows) {
    const double accuracy = AccuracyAfterRounds(row.strategy);
    EXPECT_GT(accuracy, row.floor) << row.name;
    RecordProperty(row.name, std::to_string(accuracy));
  }
}

}  // namespace
}  // namespace muster
