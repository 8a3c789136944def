#include "model/staleness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "common/limits.h"

namespace muster {
namespace {

RoundSpec AsyncRound(Staleness kind, double a, std::uint32_t b, std::uint32_t most) {
  RoundSpec round;
  round.mode = Mode::async;
  round.staleness = kind;
  round.staleness_a = a;
  round.staleness_b = b;
  round.staleness_max = most;
  return round;
}

using Table = std::vector<std::uint32_t>;

TEST(StalenessTable, ConstantWeighsAllAlike) {
  EXPECT_EQ(StalenessTable(AsyncRound(Staleness::constant, 0.5, 0, 3)),
            (Table{512, 512, 512, 512}));
}

// 512 / sqrt(s + 1): 512, 362.04, 295.60, 256, 228.97, 209.02, 193.52, 181.02, 170.67.
TEST(StalenessTable, PolynomialOfOneHalfIsOneBySquareRoot) {
  EXPECT_EQ(StalenessTable(AsyncRound(Staleness::polynomial, 0.5, 0, 8)),
            (Table{512, 362, 296, 256, 229, 209, 194, 181, 171}));
}

// 512 / (s + 1): 512, 256, 170.67, 128, 102.4.
TEST(StalenessTable, PolynomialOfOneIsOneByTheNumberOfVersions) {
  EXPECT_EQ(StalenessTable(AsyncRound(Staleness::polynomial, 1, 0, 4)),
            (Table{512, 256, 171, 128, 102}));
}

// 2^0.75 = 1.6818, 16^0.75 = 8; 4^2.5 = 32, 9^2.5 = 243.
TEST(StalenessTable, PolynomialHasWholeAndBrokenPowers) {
  const Table quarters = StalenessTable(AsyncRound(Staleness::polynomial, 0.75, 0, 15));
  EXPECT_EQ(quarters[1], 304U);
  EXPECT_EQ(quarters[15], 64U);
  const Table steep = StalenessTable(AsyncRound(Staleness::polynomial, 2.5, 0, 8));
  EXPECT_EQ(steep[3], 16U);
  EXPECT_EQ(steep[8], 2U);
}

// 1 / (0.25 (s - 2) + 1) behind 2: 0.8, 0.6667, 0.5714, 0.5.
TEST(StalenessTable, HingeFallsBehindItsBend) {
  EXPECT_EQ(StalenessTable(AsyncRound(Staleness::hinge, 0.25, 2, 6)),
            (Table{512, 512, 512, 410, 341, 293, 256}));
  // Xie 2019, section 6, has a = 10 and b = 4: 512 / 11 = 46.5, 512 / 21 = 24.4.
  EXPECT_EQ(StalenessTable(AsyncRound(Staleness::hinge, 10, 4, 6)),
            (Table{512, 512, 512, 512, 512, 47, 24}));
}

TEST(StalenessTable, NothingWeighsNothing) {
  const Table table =
      StalenessTable(AsyncRound(Staleness::polynomial, 64, 0, limits::kStalenessMax));
  EXPECT_EQ(table.size(), limits::kStalenessMax + 1);
  EXPECT_EQ(table[0], kStalenessOne);
  EXPECT_EQ(table[1], 1U);
  EXPECT_EQ(table.back(), 1U);
}

TEST(StalenessTable, NeverGrowsWithStaleness) {
  for (const double a : {0.1, 0.3, 0.5, 0.9, 1.7, 3.3}) {
    for (const Staleness kind : {Staleness::polynomial, Staleness::hinge}) {
      const Table table = StalenessTable(AsyncRound(kind, a, 3, 200));
      EXPECT_TRUE(std::is_sorted(table.rbegin(), table.rend())) << a;
    }
  }
}

TEST(WeightInSum, IsTheLargestWeightTimesTheFullFactorInAsyncAlone) {
  JobSpec job;
  job.aggregation.weight_max = 1'000;
  EXPECT_EQ(FullFactor(job), 1U);
  EXPECT_EQ(WeightInSumMax(job), 1'000U);
  job.round.mode = Mode::async;
  EXPECT_EQ(FullFactor(job), kStalenessOne);
  EXPECT_EQ(WeightInSumMax(job), 512'000U);
}

}  // namespace
}  // namespace muster
