#include "aggregation/ring.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aggregation/scales.h"
#include "tests/aggregation/ring_inputs.h"
#include "tests/support/sanitized.h"

namespace muster {
namespace {

using testing::RoundedProduct;

constexpr std::uint64_t kWeights[] = {1,       2, 3, 7, 1U << 20, (1U << 20) - 1, (1U << 29) - 1,
                                      1U << 29};

/// Odd, so that every bit of the upper half is met.
constexpr std::uint32_t kUpperStep = UnlessSanitized(1, 7);

float FloatOf(std::uint32_t bits) { return std::bit_cast<float>(bits); }

float LargestBelow(std::int32_t bound_log2) {
  return FloatOf((static_cast<std::uint32_t>(bound_log2 + 127) << 23) - 1);
}

TensorScale ScaleOf(std::int32_t bound_log2, const RingCapacity& capacity) {
  const ParameterLayout layout = testing::Layout({{1}});
  const float one = 1.0F;
  return ComputeScales(layout, std::span(&one, 1), capacity,
                       static_cast<std::uint32_t>(bound_log2 - 3))
      .value()[0];
}

// What one value adds to a sum that was 0, or nothing if it is refused.
std::optional<std::int64_t> Folded(float value, const TensorScale& scale, std::uint64_t weight) {
  std::uint64_t sum = 0;
  if (!FoldTile(std::span(&value, 1), scale, weight, std::span(&sum, 1))) return std::nullopt;
  return static_cast<std::int64_t>(sum);
}

TEST(Ring, RoundsEveryKindOfFloatAsIntegersDo) {
  // Every sign, exponent and upper mantissa, with lower mantissas around the ties.
  for (const std::int32_t bound_log2 : {3, 4, 20, 126, 127, 128}) {
    for (const std::uint64_t weight : kWeights) {
      const TensorScale scale = ScaleOf(bound_log2, {weight, 10});
      for (std::uint32_t high = 0; high < 0x10000; high += kUpperStep) {
        for (const std::uint32_t low : {0x0000U, 0x0001U, 0x8000U, 0xffffU}) {
          const float value = FloatOf(high << 16 | low);
          const auto folded = Folded(value, scale, weight);
          if (std::isnan(value) || std::fabs(value) > LargestBelow(bound_log2)) {
            ASSERT_FALSE(folded.has_value()) << value << " bound 2^" << bound_log2;
          } else {
            ASSERT_EQ(folded, RoundedProduct(value, weight, scale.scale_log2))
                << value << " weight " << weight << " scale 2^" << scale.scale_log2;
          }
        }
      }
    }
  }
}

TEST(Ring, TiesGoToTheEvenInteger) {
  const TensorScale scale = {.bound_log2 = 10, .scale_log2 = 0};
  EXPECT_EQ(Folded(0.5F, scale, 1), 0);
  EXPECT_EQ(Folded(1.5F, scale, 1), 2);
  EXPECT_EQ(Folded(2.5F, scale, 1), 2);
  EXPECT_EQ(Folded(-0.5F, scale, 1), 0);
  EXPECT_EQ(Folded(-1.5F, scale, 1), -2);
  EXPECT_EQ(Folded(0.5F, scale, 3), 2);
  EXPECT_EQ(Folded(std::nextafter(0.5F, 1.0F), scale, 1), 1);
  EXPECT_EQ(Folded(0.5F, scale, (1U << 29) - 1), 268435456 - 1 + 1);
}

TEST(Ring, TheBoundItselfIsRefused) {
  for (std::int32_t bound_log2 = 3; bound_log2 <= 128; ++bound_log2) {
    const TensorScale scale = ScaleOf(bound_log2, {1U << 29, 1U << 20});
    const float largest = LargestBelow(bound_log2);
    const float bound = FloatOf(static_cast<std::uint32_t>(bound_log2 + 127) << 23);
    EXPECT_EQ(Folded(largest, scale, 1U << 29),
              RoundedProduct(largest, 1U << 29, scale.scale_log2));
    EXPECT_EQ(Folded(-largest, scale, 1U << 29),
              RoundedProduct(-largest, 1U << 29, scale.scale_log2));
    EXPECT_FALSE(Folded(bound, scale, 1).has_value());
    EXPECT_FALSE(Folded(-bound, scale, 1).has_value());
  }
}

TEST(Ring, OneBadValueAnywhereInATileIsSeen) {
  const TensorScale scale = ScaleOf(3, {1, 1});
  for (const float bad : {8.0F, -8.0F, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN(),
                          -std::numeric_limits<float>::quiet_NaN(), FloatOf(0x7f800001)}) {
    for (std::size_t place = 0; place < 67; ++place) {
      std::vector<float> values(67, 1.0F);
      values[place] = bad;
      std::vector<std::uint64_t> sums(67);
      ASSERT_FALSE(FoldTile(values, scale, 1, sums)) << bad << " at " << place;
    }
  }
}

TEST(Ring, AddsToWhatIsThere) {
  const TensorScale scale = {.bound_log2 = 3, .scale_log2 = 4};
  const std::vector<float> values = {1.0F, -1.0F, 0.0F, -0.0F, 0.5F};
  std::vector<std::uint64_t> sums = {1, 2, 3, 4, ~0ULL};
  ASSERT_TRUE(FoldTile(values, scale, 2, sums));
  EXPECT_EQ(sums, (std::vector<std::uint64_t>{33, static_cast<std::uint64_t>(-30), 3, 4, 15}));
}

TEST(Ring, AFullCommitOfTheLargestValuesDoesNotWrap) {
  for (const RingCapacity capacity : {RingCapacity{1U << 29, 1U << 20}, RingCapacity{1, 1U << 20},
                                      RingCapacity{3, 1000}, RingCapacity{1U << 20, 10}}) {
    const TensorScale scale = ScaleOf(3, capacity);
    const float value = -LargestBelow(3);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < capacity.updates_max; ++i) {
      ASSERT_TRUE(FoldTile(std::span(&value, 1), scale, capacity.weight_max, std::span(&sum, 1)));
    }
    const double denominator = static_cast<double>(capacity.weight_max * capacity.updates_max);
    EXPECT_EQ(static_cast<float>(RingMean(sum, std::ldexp(1.0, -scale.scale_log2), denominator)),
              value);
  }
}

TEST(Ring, RandomTilesEqualTheReference) {
  constexpr std::uint64_t kSeed = 20240611;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    KeyedStream stream(kSeed, "ring-tiles", {trial});
    const std::uint64_t weight_max = 1 + stream.Below(1U << 29);
    const RingCapacity capacity = {weight_max, 1 + stream.Below(1U << 20)};
    const TensorScale scale = ScaleOf(static_cast<std::int32_t>(3 + stream.Below(126)), capacity);
    const std::uint64_t weight = 1 + stream.Below(weight_max);
    std::vector<float> values(1 + stream.Below(300));
    for (float& value : values) value = testing::AnyFloatBelow(stream, scale.bound_log2);
    std::vector<std::uint64_t> sums(values.size());
    ASSERT_TRUE(FoldTile(values, scale, weight, sums));
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(static_cast<std::int64_t>(sums[i]),
                RoundedProduct(values[i], weight, scale.scale_log2))
          << values[i] << " trial " << trial;
    }
  }
}

}  // namespace
}  // namespace muster
