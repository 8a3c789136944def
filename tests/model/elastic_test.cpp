#include "model/elastic.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "model/compatibility.h"

namespace muster {
namespace {

JobSpec ElasticJob(std::uint64_t examples, std::uint32_t block, std::uint32_t goal) {
  JobSpec job;
  job.data.access = DataAccess::elastic;
  job.data.train_examples = examples;
  job.data.test_examples = 10;
  job.data.block_examples = block;
  job.round.goal = job.round.quorum = goal;
  job.round.select_from = SelectFrom::present;
  return job;
}

class ElasticTest : public ::testing::Test {};

TEST_F(ElasticTest, EveryPlaceOfAnEpochIsInOneBlockOfOneRound) {
  for (const std::uint64_t examples : {1U, 7U, 20U, 21U, 100U}) {
    for (const std::uint32_t block : {1U, 3U, 7U}) {
      if (block > examples) continue;
      for (const std::uint32_t goal : {1U, 2U, 5U, 50U}) {
        const JobSpec job = ElasticJob(examples, block, goal);
        Round round = 1;
        for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
          std::uint64_t next = 0;
          for (; next < examples; ++round) {
            const ElasticRound place = ElasticRoundOf(job, round);
            ASSERT_EQ(place.epoch, epoch);
            ASSERT_GE(place.blocks, 1U);
            ASSERT_LE(place.blocks, goal);
            for (Slot slot = 0; slot < place.blocks; ++slot) {
              const auto range = BlockOf(job, round, slot);
              ASSERT_TRUE(range.has_value());
              ASSERT_EQ(range->begin, next);
              ASSERT_TRUE(range->end - range->begin == block || range->end == examples);
              next = range->end;
            }
          }
          ASSERT_EQ(next, examples);
        }
      }
    }
  }
}

TEST_F(ElasticTest, LastRoundOfAnEpochTakesWhatIsLeft) {
  const JobSpec job = ElasticJob(23, 5, 2);
  EXPECT_EQ(BlocksPerEpoch(job.data), 5U);
  EXPECT_EQ(ElasticRoundOf(job, 3).blocks, 1U);
  EXPECT_EQ(BlockOf(job, 3, 0)->begin, 20U);
  EXPECT_EQ(BlockOf(job, 3, 0)->end, 23U);
  EXPECT_EQ(ElasticRoundOf(job, 4).epoch, 1U);
  EXPECT_EQ(ElasticRoundOf(job, 4).first_block, 0U);
}

TEST_F(ElasticTest, SlotBeyondTheRoundIsAnError) {
  const JobSpec job = ElasticJob(23, 5, 2);
  EXPECT_EQ(BlockOf(job, 3, 1).error().reason, Reason::malformed_message);
  EXPECT_EQ(BlockOf(job, 1, 2).error().reason, Reason::malformed_message);
}

// What the table says is another test's.
std::string WhyRefusedOf(const JobSpec& job) {
  const Status status = ValidateJob(job);
  return status ? "" : status.error().message.substr(0, status.error().message.find(' '));
}

TEST_F(ElasticTest, JobsThatCannotBeAreRefused) {
  JobSpec job = ElasticJob(100, 10, 4);
  job.data.train_examples = 0;
  job.data.source = DataSource::idx;
  EXPECT_EQ(WhyRefusedOf(job), "data.train_examples");
  job = ElasticJob(100, 0, 4);
  EXPECT_EQ(WhyRefusedOf(job), "data.block_examples");
  job = ElasticJob(100, 101, 4);
  EXPECT_EQ(WhyRefusedOf(job), "data.block_examples");
  job = ElasticJob(100, 10, 4);
  job.round.quorum = 3;
  EXPECT_EQ(WhyRefusedOf(job), "round.quorum");
  job = ElasticJob(100, 10, 4);
  job.round.over_select = 1.5;
  EXPECT_EQ(WhyRefusedOf(job), "round.over_select");
  job = ElasticJob(100, 10, 4);
  job.round.select_from = SelectFrom::enrolled;
  EXPECT_EQ(WhyRefusedOf(job), "round.select_from");
  job = ElasticJob(100, 10, 4);
  job.round.accept = Accept::memory;
  EXPECT_EQ(WhyRefusedOf(job), "round.accept");
  job = ElasticJob(100, 10, 4);
  job.round.mode = Mode::sync_sgd;
  EXPECT_EQ(WhyRefusedOf(job), "round.accept");
  job.round.accept = Accept::durable;
  EXPECT_EQ(WhyRefusedOf(job), "");
  job = ElasticJob(100, 10, 4);
  job.train.optimizer = Optimizer::adamw;
  EXPECT_EQ(WhyRefusedOf(job), "data.access");
  job = ElasticJob(100, 10, 4);
  job.train.steps = 3;
  EXPECT_EQ(WhyRefusedOf(job), "train.steps");
  job = ElasticJob(100, 10, 4);
  job.strategy.kind = StrategyKind::scaffold;
  EXPECT_FALSE(WhyRefusedOf(job).empty());
}

TEST_F(ElasticTest, PartsAndPartitionAreNoPartOfTheJob) {
  JobSpec job = ElasticJob(100, 10, 4);
  const Bytes bytes = EncodeJob(job);
  job.data.parts = 3;
  job.data.partition = Partition::shards;
  job.data.shards_per_part = 7;
  EXPECT_EQ(EncodeJob(job), bytes);
  EXPECT_TRUE(DecodeJob(EncodeJob(job)).has_value());
  job.data.block_examples = 11;
  EXPECT_NE(EncodeJob(job), bytes);
}

TEST_F(ElasticTest, BatchSizeIsNoPartOfAJobWhoseGradientsAreOfWholeBlocks) {
  JobSpec job = ElasticJob(100, 10, 4);
  job.round.mode = Mode::sync_sgd;
  job.round.accept = Accept::durable;
  const Bytes bytes = EncodeJob(job);
  job.train.batch_size = 77;
  EXPECT_EQ(EncodeJob(job), bytes);
  job.round.mode = Mode::fedavg;
  EXPECT_EQ(DecodeJob(EncodeJob(job))->train.batch_size, 77U);
}

}  // namespace
}  // namespace muster
