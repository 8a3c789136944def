#include "common/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace muster {
namespace {

using testing::ElementsAre;

std::vector<std::uint64_t> FirstOf(KeyedStream stream, int count) {
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(stream.Next());
  return numbers;
}

KeyedStream Known() { return KeyedStream(1, "select", {7, 3, 0}); }

// Computed apart from this code, by SHA-256 and xoshiro256++ as published. Every seed, cohort and
// initial weight hangs on them: a change here is another job.
TEST(KeyedStreamTest, GoldenNumbersNeverChange) {
  EXPECT_THAT(FirstOf(Known(), 4), ElementsAre(0x6f500839cd639745U, 0x26aeef435ea59105U,
                                               0x498ee5128a853a34U, 0x6c0a50dd90d8c9feU));
  EXPECT_THAT(FirstOf(KeyedStream(0, "", {}), 2),
              ElementsAre(0xe5f28b4d2d50b1e6U, 0x09e1f64552bdd226U));
  EXPECT_EQ(KeyedNumber(1, "select", {7, 3, 0}), 0x6f500839cd639745U);
}

TEST(KeyedStreamTest, GoldenDrawsOfEveryKindNeverChange) {
  KeyedStream below = Known();
  for (std::uint64_t expected : {434U, 151U, 287U, 422U, 780U, 765U, 350U, 547U}) {
    EXPECT_EQ(below.Below(1000), expected);
  }
  KeyedStream unit = Known();
  EXPECT_EQ(unit.Unit(), 0.434814943420305);
  EXPECT_EQ(unit.Unit(), 0.15110679049271014);
  KeyedStream uniform = Known();
  EXPECT_EQ(uniform.Uniform(0, 1), 0x1.bd402p-2F);
  EXPECT_EQ(uniform.Uniform(-1, 1), 2 * 0x1.357778p-3F - 1);
}

TEST(KeyedStreamTest, EveryPartOfTheKeyGivesAnotherStream) {
  const std::uint64_t numbers[] = {
      KeyedNumber(1, "select", {7, 3}),    KeyedNumber(2, "select", {7, 3}),
      KeyedNumber(1, "selecu", {7, 3}),    KeyedNumber(1, "select", {3, 7}),
      KeyedNumber(1, "select", {7, 3, 0}), KeyedNumber(1, "select", {7}),
      KeyedNumber(1, "select", {}),        KeyedNumber(1, "selec", {7, 3}),
      KeyedNumber(1, "", {7, 3}),          KeyedNumber(1, "select", {7ULL << 32, 3})};
  EXPECT_EQ(std::set<std::uint64_t>(std::begin(numbers), std::end(numbers)).size(),
            std::size(numbers));
}

// A name that ends like a number must not be taken for a shorter name and that number.
TEST(KeyedStreamTest, NameAndNumbersCannotBeShifted) {
  const std::string_view shifted("a\x07\0\0\0\0\0\0\0", 9);
  EXPECT_NE(KeyedNumber(1, shifted, {}), KeyedNumber(1, "a", {7}));
}

TEST(KeyedStreamTest, NeighbouringStreamsShareNoBits) {
  constexpr int kStreams = 2000;
  int ones = 0;
  for (std::uint64_t i = 0; i < kStreams; ++i) {
    ones += __builtin_popcountll(KeyedNumber(1, "n", {i}) ^ KeyedNumber(1, "n", {i + 1}));
  }
  // 128,000 fair bits: five standard deviations are 895.
  EXPECT_NEAR(ones, 64 * kStreams / 2, 895);
}

TEST(KeyedStreamTest, BelowStaysBelowAtEveryEdge) {
  KeyedStream stream(1, "edges", {});
  constexpr std::uint64_t kTop = 1ULL << 63;
  for (std::uint64_t bound : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, kTop - 1, kTop,
                              kTop + 1, ~std::uint64_t{0}}) {
    for (int i = 0; i < 1000; ++i) ASSERT_LT(stream.Below(bound), bound);
  }
  EXPECT_EQ(stream.Below(1), 0U);
}

// At 3/4 of the range, scaling without rejection gives multiples of 3 twice their share.
TEST(KeyedStreamTest, BelowIsUnbiasedWhereScalingAloneIsNot) {
  constexpr std::uint64_t kBound = 3ULL << 62;
  constexpr int kDraws = 30'000;
  KeyedStream stream(1, "bias", {});
  int multiples = 0;
  for (int i = 0; i < kDraws; ++i) multiples += stream.Below(kBound) % 3 == 0;
  EXPECT_NEAR(multiples, kDraws / 3, 408) << "five standard deviations";
}

TEST(KeyedStreamTest, EmptyRangeIsABugOfTheCaller) {
  KeyedStream stream = Known();
  EXPECT_DEATH((void)stream.Below(0), "an empty range has no number");
}

TEST(KeyedStreamTest, FractionsFillTheirRangeEvenly) {
  KeyedStream stream(1, "even", {});
  constexpr int kDraws = 100'000;
  double unit_sum = 0;
  double uniform_sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double unit = stream.Unit();
    const float uniform = stream.Uniform(-0.5F, 0.5F);
    ASSERT_TRUE(unit >= 0 && unit < 1);
    ASSERT_TRUE(uniform >= -0.5F && uniform < 0.5F);
    unit_sum += unit;
    uniform_sum += uniform;
  }
  const double five_deviations = 5 / std::sqrt(12.0 * kDraws);
  EXPECT_NEAR(unit_sum / kDraws, 0.5, five_deviations);
  EXPECT_NEAR(uniform_sum / kDraws, 0, five_deviations);
}

TEST(SystemRandomTest, NumbersDiffer) {
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 1000; ++i) numbers.insert(SystemRandom());
  EXPECT_EQ(numbers.size(), 1000U);
}

}  // namespace
}  // namespace muster
