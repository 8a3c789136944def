// Strategies that sum several lanes, trained: whole rounds in one process, every part in each.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "tests/training/job_support.h"

namespace muster {
namespace {

UpdateSource SourceOfUpdate(const ParameterSet& update, std::uint64_t weight) {
  return {[&update](std::uint64_t offset, MutableByteSpan bytes) {
            const ByteSpan part = update.bytes().subspan(offset, bytes.size());
            std::copy(part.begin(), part.end(), bytes.begin());
            return Status();
          },
          weight};
}

/// Rounds of a job without a federation.
class LaneRounds {
 public:
  /// `epochs`: of each part; they stand in for what lets machines take different numbers of steps.
  LaneRounds(const JobSpec& job, std::vector<std::uint32_t> epochs)
      : job_(job),
        epochs_(std::move(epochs)),
        strategy_(CreateStrategy(job)),
        clients_(job.data.parts) {
    for (std::uint32_t part = 0; part < job.data.parts; ++part) {
      trainers_.push_back(TrainerOf(job, part));
    }
    version_ = InitialVersion(*strategy_, trainers_[0]->InitialParameters()).value();
    Describe();
  }

  void Run(Round rounds) {
    const ParameterLayout& model = trainers_[0]->layout();
    const LaneSet lanes = LanesOf(*strategy_, model).value();
    const RingCapacity capacity = {job_.aggregation.weight_max, job_.data.parts};
    ThreadPool pool(1);
    for (Round round = 1; round <= rounds; ++round) {
      ParameterSet base(DownloadLayout(*strategy_, model).value());
      std::ranges::copy(version_.bytes().first(base.bytes().size()), base.bytes().begin());
      RingSum sum(lanes);
      const auto scales = ComputeLaneScales(lanes, manifest_.tensor_max_abs, capacity, 0);
      ASSERT_TRUE(sum.Reset(scales.value(), capacity).has_value());
      for (std::uint32_t part = 0; part < job_.data.parts; ++part) {
        ParameterSet update(lanes.layout());
        LocalTraining ask = strategy_->Ask(round);
        ask.train.epochs = epochs_[part];
        auto fit = trainers_[part]->Fit({round, part, 0}, ask, base, clients_[part], update, {},
                                        [](const FitPosition&) {});
        ASSERT_TRUE(fit.has_value()) << fit.error().Text();
        strategy_->CompleteUpdate({fit->steps, base, clients_[part]}, update, fit->client);
        clients_[part] = std::move(fit->client);
        const std::uint64_t weight = strategy_->UpdateWeight(fit->examples).value();
        const UpdateSource source = SourceOfUpdate(update, weight);
        ASSERT_TRUE(sum.Fold({&source, 1}, pool).has_value());
      }
      ParameterSet next(version_.layout());
      ASSERT_TRUE(BuildVersion({*strategy_, version_, sum, round}, pool, next).has_value());
      version_ = std::move(next);
      Describe();
    }
  }

  Evaluation Evaluate() {
    ParameterSet model(trainers_[0]->layout());
    std::ranges::copy(version_.bytes().first(model.bytes().size()), model.bytes().begin());
    return trainers_[0]->Evaluate(model, {}).value();
  }

 private:
  void Describe() {
    const auto tensors = static_cast<std::uint32_t>(trainers_[0]->layout().entries().size());
    manifest_ = DescribeVersion(version_, tensors, 0).value();
  }

  const JobSpec job_;
  const std::vector<std::uint32_t> epochs_;
  const std::unique_ptr<Strategy> strategy_;
  std::vector<std::unique_ptr<Trainer>> trainers_;
  std::vector<Bytes> clients_;
  ParameterSet version_;
  VersionManifest manifest_;
};

/// Each part has shards of few labels.
JobSpec SkewedJob(StrategyKind kind, std::uint64_t seed) {
  JobSpec job;
  job.seed = seed;
  job.model.kind = ModelKind::softmax;
  job.data.parts = 4;
  job.data.partition = Partition::shards;
  job.data.shards_per_part = 2;
  job.data.train_examples = 800;
  job.data.test_examples = 400;
  job.train.batch_size = 10;
  job.train.learning_rate = 0.05;
  job.round.goal = 4;
  job.round.quorum = 4;
  job.strategy.kind = kind;
  return job;
}

Evaluation Trained(StrategyKind kind, std::uint64_t seed, Round rounds,
                   const std::vector<std::uint32_t>& epochs) {
  LaneRounds run(SkewedJob(kind, seed), epochs);
  run.Run(rounds);
  const Evaluation evaluation = run.Evaluate();
  const std::string name(CreateStrategy(SkewedJob(kind, seed))->name());
  ::testing::Test::RecordProperty(name + "_seed" + std::to_string(seed),
                                  std::to_string(evaluation.accuracy) + " accuracy, " +
                                      std::to_string(evaluation.loss) + " loss");
  return evaluation;
}

TEST(LaneRounds, FedNovaIsNotPulledTowardsThoseWhoTakeMoreSteps) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Evaluation nova = Trained(StrategyKind::fednova, seed, 12, {1, 1, 2, 12});
    const Evaluation average = Trained(StrategyKind::fedavg, seed, 12, {1, 1, 2, 12});
    EXPECT_GT(nova.accuracy, average.accuracy + 0.02) << "seed " << seed;
    EXPECT_GT(nova.accuracy, 0.55) << "seed " << seed;
  }
}

// Parts of two labels each whose slots train for long go apart, and their mean is no minimum of all
// of them; control variates take out of each step what makes a part differ.
TEST(LaneRounds, ScaffoldLetsLongLocalTrainingOfSkewedPartsGoOn) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const std::vector<std::uint32_t> epochs = {5, 5, 5, 5};
    const Evaluation scaffold = Trained(StrategyKind::scaffold, seed, 20, epochs);
    const Evaluation average = Trained(StrategyKind::fedavg, seed, 20, epochs);
    EXPECT_GT(scaffold.accuracy, average.accuracy + 0.02) << "seed " << seed;
    EXPECT_GT(scaffold.accuracy, 0.7) << "seed " << seed;
    EXPECT_LT(scaffold.loss, average.loss - 0.1) << "seed " << seed;
  }
}

}  // namespace
}  // namespace muster
