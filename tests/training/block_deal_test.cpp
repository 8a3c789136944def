#include "training/block_deal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/digest.h"
#include "model/elastic.h"
#include "tests/training/job_support.h"

namespace muster {
namespace {

JobSpec DealtJob() {
  JobSpec job;
  job.seed = 7;
  job.model = {ModelKind::softmax, {}, 0};
  job.data.access = DataAccess::elastic;
  job.data.train_examples = 205;
  job.data.test_examples = 10;
  job.data.block_examples = 20;
  job.round.goal = job.round.quorum = 4;
  job.round.select_from = SelectFrom::present;
  return job;
}

// The examples of each round of an epoch, one after another.
std::vector<std::uint32_t> EpochOf(BlockDeal& deal, const JobSpec& job, Round first) {
  std::vector<std::uint32_t> all;
  const std::uint64_t epoch = ElasticRoundOf(job, first).epoch;
  for (Round round = first; ElasticRoundOf(job, round).epoch == epoch; ++round) {
    for (Slot slot = 0; slot < ElasticRoundOf(job, round).blocks; ++slot) {
      const auto examples = deal.ExamplesOf({round, slot, 0});
      EXPECT_TRUE(examples.has_value());
      all.insert(all.end(), examples->begin(), examples->end());
    }
  }
  return all;
}

class BlockDealTest : public ::testing::Test {};

TEST_F(BlockDealTest, EveryExampleIsDealtOnceAnEpoch) {
  const JobSpec job = DealtJob();
  BlockDeal deal(job);
  std::vector<std::uint32_t> all = EpochOf(deal, job, 1);
  std::ranges::sort(all);
  std::vector<std::uint32_t> expected(205);
  std::iota(expected.begin(), expected.end(), 0U);
  EXPECT_EQ(all, expected);
}

TEST_F(BlockDealTest, EpochsAreDealtAnew) {
  const JobSpec job = DealtJob();
  BlockDeal deal(job);
  const std::vector<std::uint32_t> first = EpochOf(deal, job, 1);
  EXPECT_NE(first, EpochOf(deal, job, 4));
  EXPECT_EQ(first, EpochOf(deal, job, 1));
}

TEST_F(BlockDealTest, UpdateDoesNotDependOnWhoTrainsTheBlockNorOnParts) {
  JobSpec job = DealtJob();
  std::vector<Xxh128Digest> digests;
  for (const std::uint32_t who : {0U, 3U, 40'000U}) {
    job.data.parts = who + 1;
    const auto trainer = std::move(*CreateTrainer(job, who, {}));
    ParameterSet delta(trainer->layout());
    const auto fit = trainer->Fit({3, 1, 0}, {job.train}, trainer->InitialParameters(), {}, delta,
                                  std::stop_token(), [](const FitPosition&) {});
    ASSERT_TRUE(fit.has_value()) << fit.error().Text();
    EXPECT_EQ(fit->examples, 20U);
    digests.push_back(Xxh128Of(std::as_const(delta).bytes()));
  }
  EXPECT_EQ(digests[0], digests[1]);
  EXPECT_EQ(digests[0], digests[2]);
}

TEST_F(BlockDealTest, ShortBlockIsTrainedOnWhatItHolds) {
  const JobSpec job = DealtJob();
  const auto trainer = std::move(*CreateTrainer(job, 0, {}));
  ParameterSet delta(trainer->layout());
  const auto fit = trainer->Fit({3, 2, 0}, {job.train}, trainer->InitialParameters(), {}, delta,
                                std::stop_token(), [](const FitPosition&) {});
  ASSERT_TRUE(fit.has_value());
  EXPECT_EQ(fit->examples, 5U);
}

// The deal knows nothing of blocks: one of forty examples is two of twenty, one after the other.
TEST_F(BlockDealTest, GradientIsTheMeanOverTheWholeBlockWhateverTheBatchSize) {
  JobSpec job = DealtJob();
  job.round.mode = Mode::sync_sgd;
  job.round.accept = Accept::durable;
  job.train.batch_size = 3;
  JobSpec halves = job;
  job.data.block_examples = 40;
  const auto gradient = [](const JobSpec& of, Slot slot) {
    const auto trainer = std::move(*CreateTrainer(of, 0, {}));
    ParameterSet delta(trainer->layout());
    const auto fit = trainer->Fit({1, slot, 0}, LocalTrainingOf(of), trainer->InitialParameters(),
                                  {}, delta, std::stop_token(), [](const FitPosition&) {});
    EXPECT_TRUE(fit.has_value()) << fit.error().Text();
    EXPECT_EQ(fit->examples, of.data.block_examples);
    return delta;
  };
  const ParameterSet whole = gradient(job, 0);
  const ParameterSet first = gradient(halves, 0);
  const ParameterSet second = gradient(halves, 1);
  float most = 0;
  for (std::size_t tensor = 0; tensor < whole.layout().entries().size(); ++tensor) {
    for (std::size_t i = 0; i < whole.F32(tensor).size(); ++i) {
      const float mean = (first.F32(tensor)[i] + second.F32(tensor)[i]) / 2;
      ASSERT_NEAR(whole.F32(tensor)[i], mean, 1e-6);
      most = std::max(most, std::abs(mean));
    }
  }
  EXPECT_GT(most, 1e-3F);
}

TEST_F(BlockDealTest, BlockThatTheRoundHasNotIsRefused) {
  const JobSpec job = DealtJob();
  const auto trainer = std::move(*CreateTrainer(job, 0, {}));
  ParameterSet delta(trainer->layout());
  const auto fit = trainer->Fit({3, 3, 0}, {job.train}, trainer->InitialParameters(), {}, delta,
                                std::stop_token(), [](const FitPosition&) {});
  EXPECT_FALSE(fit.has_value());
}

}  // namespace
}  // namespace muster
