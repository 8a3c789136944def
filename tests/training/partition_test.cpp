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

class DirichletPartitioner : public Partitioner {
 protected:
  DirichletPartitioner() {
    job_.data.partition = Partition::dirichlet;
    job_.data.parts = 10;
    job_.data.train_examples = 4000;
  }
  /// The share that a part's most frequent label has of it, as the mean over the parts.
  double MeanShareOfTheMostFrequent(double alpha) {
    job_.data.dirichlet_alpha = alpha;
    double sum = 0;
    for (const PartCounts& part : Describe()) {
      const std::uint64_t most = *std::max_element(part.per_label.begin(), part.per_label.end());
      sum += static_cast<double>(most) / static_cast<double>(part.examples);
    }
    return sum / job_.data.parts;
  }
};

TEST_F(DirichletPartitioner, PutsEveryExampleInOnePartWhateverAlphaIs) {
  job_.data.train_examples = 403;
  for (const double alpha : {1e-6, 0.1, 1.0, 1e6}) {
    job_.data.dirichlet_alpha = alpha;
    ExpectEveryExampleInOnePart();
  }
}

TEST_F(DirichletPartitioner, PartsDifferInSizeByOneAtMostAndNoneIsEmpty) {
  for (const std::uint64_t examples : {10, 11, 403}) {
    job_.data.train_examples = examples;
    for (const PartCounts& part : Describe()) {
      EXPECT_GE(part.examples, examples / 10);
      EXPECT_LE(part.examples, examples / 10 + 1);
    }
  }
}

TEST_F(DirichletPartitioner, ALabelOfOneExampleIsDealtToo) {
  std::vector<std::uint8_t> labels(200, 3);
  labels[77] = 9;
  job_.data.dirichlet_alpha = 1e-6;
  std::size_t found = 0;
  for (std::uint32_t part = 0; part < 10; ++part) {
    const auto indices = PartIndices(job_, labels, part).value();
    found += static_cast<std::size_t>(std::count(indices.begin(), indices.end(), 77U));
  }
  EXPECT_EQ(found, 1U);
}

TEST_F(DirichletPartitioner, ASmallAlphaGivesSkewedPartsAndALargeOnePartsAlike) {
  EXPECT_GT(MeanShareOfTheMostFrequent(0.05), 0.5);
  EXPECT_LT(MeanShareOfTheMostFrequent(100.0), 0.2);
  job_.data.dirichlet_alpha = 1e6;
  for (const PartCounts& part : Describe()) {
    for (const std::uint64_t count : part.per_label) {
      EXPECT_GT(count, 15U) << "of 40 that are expected";
      EXPECT_LT(count, 70U);
    }
  }
}

// Of one label among two of equal shares, Dirichlet(alpha / 2, alpha / 2) draws a fraction of
// variance 1 / (4 (alpha + 1)); n draws from it give a count of n^2 times that, and n / 4 *
// alpha / (alpha + 1). Each part is small against the whole, so that no label runs out.
TEST_F(DirichletPartitioner, CountsVaryAsDirichletMultinomialSays) {
  constexpr std::uint32_t kParts = 2000;
  constexpr double kDraws = 20;
  job_.data.parts = kParts;
  std::vector<std::uint8_t> labels(kParts * static_cast<std::size_t>(kDraws));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::uint8_t>(i % 2);
  for (const double alpha : {0.5, 4.0}) {
    job_.data.dirichlet_alpha = alpha;
    const auto counts = CountLabels(job_, labels).value();
    double squares = 0;
    for (const PartCounts& part : counts) {
      const double off = static_cast<double>(part.per_label[0]) - kDraws / 2;
      squares += off * off;
    }
    const double wanted = kDraws / 4 * (kDraws + alpha) / (1 + alpha);
    EXPECT_NEAR(squares / kParts / wanted, 1.0, 0.1) << "alpha " << alpha;
  }
}

// The bits of the split: a change is another job under the same digest.
TEST_F(DirichletPartitioner, CountsOfOneSeedNeverChange) {
  job_.data.parts = 4;
  job_.data.train_examples = 200;
  std::vector<std::uint8_t> labels(200);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::uint8_t>(i % 10);
  const auto counts = CountLabels(job_, labels).value();
  EXPECT_EQ(RenderSplit(counts, 4),
            "    part  examples       '0'      '1'      '2'      '3'      '4'      '5'      '6'"
            "      '7'      '8'      '9'\n"
            "       0        50         .       12       19        .        6        .        ."
            "       13        .        .\n"
            "       1        50         4        5        .        .        8       20        2"
            "        .        .       11\n"
            "       2        50         .        .        .       16        6        .        ."
            "        7       20        1\n"
            "       3        50        16        3        1        4        .        .       18"
            "        .        .        8\n"
            "     sum       200        20       20       20       20       20       20       20"
            "       20       20       20\n");
  const std::vector<std::uint32_t> part = PartIndices(job_, labels, 0).value();
  EXPECT_EQ((std::vector<std::uint32_t>(part.begin(), part.begin() + 6)),
            (std::vector<std::uint32_t>{2, 7, 11, 12, 22, 24}));
}

TEST_F(Partitioner, TheSplitDependsOnTheSeedAlone) {
  for (const Partition kind : {Partition::iid, Partition::shards, Partition::dirichlet}) {
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
