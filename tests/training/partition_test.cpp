#include "training/partition.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/training/job_support.h"

namespace muster {
namespace {

class Partitioner : public ::testing::Test {
 protected:
  std::vector<std::uint8_t> Labels() const { return LoadLabels(job_, Split::train, {}).value(); }
  std::vector<std::uint32_t> Part(std::uint32_t part) const {
    auto indices = PartIndices(job_, Labels(), part);
    EXPECT_TRUE(indices.has_value()) << indices.error().Text();
    return *indices;
  }
  std::vector<PartCounts> Describe() const { return DescribeSplit(job_, {}).value(); }
  void ExpectRefused(std::uint32_t part = 0) const {
    const auto indices = PartIndices(job_, Labels(), part);
    ASSERT_FALSE(indices.has_value());
    EXPECT_EQ(indices.error().reason, Reason::config_invalid);
  }
  void ExpectEveryExampleInOnePart() const {
    std::vector<std::uint32_t> all;
    for (std::uint32_t part = 0; part < job_.data.parts; ++part) {
      const std::vector<std::uint32_t> indices = Part(part);
      EXPECT_TRUE(std::is_sorted(indices.begin(), indices.end()));
      all.insert(all.end(), indices.begin(), indices.end());
    }
    std::sort(all.begin(), all.end());
    ASSERT_EQ(all.size(), job_.data.train_examples);
    for (std::uint32_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i);
  }

  JobSpec job_ = SmallJob();
};

TEST_F(Partitioner, APartBeyondTheLastIsRefused) { ExpectRefused(4); }

TEST_F(Partitioner, FewerExamplesThanPartsAreRefused) {
  job_.data.train_examples = 3;
  ExpectRefused();
}

TEST_F(Partitioner, ShardsOfUnequalSizeAreRefused) {
  job_.data.partition = Partition::shards;
  job_.data.train_examples = 201;
  ExpectRefused();
}

TEST_F(Partitioner, IidPutsEveryExampleInOnePart) {
  job_.data.train_examples = 203;
  ExpectEveryExampleInOnePart();
}

TEST_F(Partitioner, IidPartsDifferInSizeByOneAtMost) {
  job_.data.train_examples = 203;
  std::multiset<std::size_t> sizes;
  for (std::uint32_t part = 0; part < 4; ++part) sizes.insert(Part(part).size());
  EXPECT_EQ(sizes, (std::multiset<std::size_t>{50, 51, 51, 51}));
}

TEST_F(Partitioner, IidPartsHoldEveryClass) {
  job_.data.train_examples = 4000;
  for (const PartCounts& part : Describe()) {
    for (const std::uint64_t count : part.per_label) {
      EXPECT_GT(count, 60U);
      EXPECT_LT(count, 140U);
    }
  }
}

TEST_F(Partitioner, ShardsPutEveryExampleInOnePart) {
  job_.data.partition = Partition::shards;
  ExpectEveryExampleInOnePart();
}

// 100 parts with 2 shards of 300 examples each, as in the paper's experiment.
TEST_F(Partitioner, ShardsGiveEachPartAsManyClassesAsShardsAtMost) {
  job_.data.partition = Partition::shards;
  job_.data.parts = 100;
  job_.data.train_examples = 60000;
  for (const PartCounts& part : Describe()) {
    EXPECT_EQ(part.examples, 600U);
    EXPECT_LE(std::count_if(part.per_label.begin(), part.per_label.end(),
                            [](std::uint64_t count) { return count > 0; }),
              2);
  }
}

TEST_F(Partitioner, TheSplitDependsOnTheSeedAlone) {
  for (const Partition kind : {Partition::iid, Partition::shards}) {
    job_.data.partition = kind;
    const std::vector<std::uint32_t> before = Part(1);
    job_.train.learning_rate = 0.5;
    EXPECT_EQ(Part(1), before);
    job_.seed = 8;
    EXPECT_NE(Part(1), before);
    job_.seed = 7;
  }
}

TEST_F(Partitioner, TheTableShowsPartsAndSums) {
  const std::vector<PartCounts> parts = {{0, 7, {3, 4}}, {1, 5, {0, 0, 5}}, {2, 1, {0, 1}}};
  EXPECT_EQ(RenderSplit(parts, 2),
            "    part  examples       '0'      '1'      '2'      '3'      '4'      '5'      '6'"
            "      '7'      '8'      '9'\n"
            "       0         7         3        4        .        .        .        .        ."
            "        .        .        .\n"
            "       1         5         .        .        5        .        .        .        ."
            "        .        .        .\n"
            "     ...  1 more parts\n"
            "     sum        13         3        5        5        .        .        .        ."
            "        .        .        .\n");
}

}  // namespace
}  // namespace muster
