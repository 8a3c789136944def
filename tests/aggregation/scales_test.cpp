#include "aggregation/scales.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Result<std::vector<TensorScale>> Scales(std::vector<float> magnitudes, RingCapacity capacity,
                                        std::uint32_t raise = 0) {
  const std::vector<std::vector<std::uint64_t>> shapes(magnitudes.size(), {4});
  return ComputeScales(testing::Layout(shapes), magnitudes, capacity, raise);
}

std::int32_t Bound(float magnitude) { return Scales({magnitude}, {1, 1}).value()[0].bound_log2; }
std::int32_t Scale(RingCapacity capacity) { return Scales({0}, capacity).value()[0].scale_log2; }

TEST(Scales, BoundIsTheLeastPowerOfTwoThatHoldsEightTimesTheParent) {
  EXPECT_EQ(Bound(0.0F), 3);
  EXPECT_EQ(Bound(std::numeric_limits<float>::denorm_min()), 3);
  EXPECT_EQ(Bound(1.0F), 3);
  EXPECT_EQ(Bound(std::nextafter(1.0F, 2.0F)), 4);
  EXPECT_EQ(Bound(2.0F), 4);
  EXPECT_EQ(Bound(std::nextafter(2.0F, 3.0F)), 5);
  EXPECT_EQ(Bound(1000.0F), 13);
}

TEST(Scales, ABoundAboveEveryFloatGrowsNoFurther) {
  EXPECT_EQ(Bound(std::numeric_limits<float>::max()), 128);
  const auto raised = Scales({1.0F}, {1, 1}, std::numeric_limits<std::uint32_t>::max());
  EXPECT_EQ(raised.value()[0].bound_log2, 128);
}

TEST(Scales, RaiseAddsBitsToEveryBound) {
  const auto scales = Scales({1.0F, 4.0F}, {1U << 20, 10}, 5).value();
  EXPECT_EQ(scales[0].bound_log2, 8);
  EXPECT_EQ(scales[1].bound_log2, 10);
  EXPECT_EQ(scales[0].scale_log2 - scales[1].scale_log2, 2);
}

TEST(Scales, ScaleIsLimitedByTheRoundingOrByTheSum) {
  EXPECT_EQ(Scale({1, 1}), 48);               // 51 - 3
  EXPECT_EQ(Scale({1, 1U << 12}), 48);        // 63 - 3 - 12
  EXPECT_EQ(Scale({1, (1U << 12) + 1}), 47);  // the sum decides
  EXPECT_EQ(Scale({1U << 20, 10}), 28);       // 51 - 3 - 20
  EXPECT_EQ(Scale({(1U << 20) + 1, 10}), 27);
  EXPECT_EQ(Scale({1U << 29, 1U << 20}), 11);  // 63 - 3 - 49
}

TEST(Scales, AreTheLargestWithinALogarithmsRounding) {
  constexpr std::uint64_t kSeed = 7;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (std::uint64_t trial = 0; trial < 2000; ++trial) {
    KeyedStream stream(kSeed, "scales", {trial});
    const RingCapacity capacity = {1 + (stream.Next() >> 35) % (1U << 29),
                                   1 + stream.Below(1U << 20)};
    const TensorScale scale = Scales({0.5F}, capacity).value()[0];
    // The next larger scale would break one of the two limits, in units of log2.
    const double weight = std::log2(static_cast<double>(capacity.weight_max));
    const double sum = weight + std::log2(static_cast<double>(capacity.updates_max));
    const double product_log2 = scale.bound_log2 + scale.scale_log2 + weight;
    const double sum_log2 = scale.bound_log2 + scale.scale_log2 + sum;
    EXPECT_LE(product_log2, 51);
    EXPECT_LE(sum_log2, 63);
    EXPECT_TRUE(product_log2 > 50 || sum_log2 > 62) << "trial " << trial;
  }
}

TEST(Scales, MagnitudesThatAreNoneAreDamage) {
  for (const float bad : {kInfinity, std::nanf(""), -1.0F}) {
    EXPECT_EQ(Scales({1.0F, bad}, {1, 1}).error().reason, Reason::damage) << bad;
    EXPECT_NE(Scales({1.0F, bad}, {1, 1}).error().message.find("layer1"), std::string::npos);
  }
}

TEST(Scales, WrongNumbersAreRefused) {
  const std::vector<float> magnitudes = {1.0F};
  EXPECT_EQ(ComputeScales(testing::Layout({{1}, {1}}), magnitudes, {1, 1}, 0).error().reason,
            Reason::size_mismatch);
  for (const RingCapacity bad :
       {RingCapacity{0, 1}, RingCapacity{1, 0}, RingCapacity{(1U << 29) + 1, 1},
        RingCapacity{1, (1U << 20) + 1}}) {
    EXPECT_EQ(Scales({1.0F}, bad).error().reason, Reason::config_invalid);
  }
}

TEST(Scales, IntegerTensorsAreRefusedByName) {
  const auto layout = ParameterLayout::Create({{"steps", DType::i64, {1}}}).value();
  const std::vector<float> magnitudes = {1.0F};
  const auto refused = ComputeScales(layout, magnitudes, {1, 1}, 0);
  EXPECT_EQ(refused.error().reason, Reason::unsupported);
  EXPECT_NE(refused.error().message.find("steps"), std::string::npos);
}

TEST(Scales, RecordedScalesOfAnotherJobAreDamage) {
  const RingCapacity capacity = {1U << 20, 10};
  const auto scales = Scales({1.0F, 2.0F}, capacity).value();
  EXPECT_TRUE(CheckScales(scales, 2, capacity).has_value());
  EXPECT_EQ(CheckScales(scales, 3, capacity).error().reason, Reason::damage);
  EXPECT_EQ(CheckScales(scales, 2, {1U << 21, 10}).error().reason, Reason::damage);
  for (const std::int32_t bound : {2, 129, -5, std::numeric_limits<std::int32_t>::max()}) {
    auto changed = scales;
    changed[1].bound_log2 = bound;
    EXPECT_EQ(CheckScales(changed, 2, capacity).error().reason, Reason::damage) << bound;
  }
}

TEST(Scales, WeightsOutsideOneToTheMaximumAreRefused) {
  EXPECT_TRUE(CheckWeight(1, 5).has_value());
  EXPECT_TRUE(CheckWeight(5, 5).has_value());
  EXPECT_EQ(CheckWeight(0, 5).error().reason, Reason::weight_invalid);
  EXPECT_EQ(CheckWeight(6, 5).error().reason, Reason::weight_invalid);
}

TEST(RaiseNeeded, IsTheLeastRaiseThatAdmitsTheUpdate) {
  const auto scales = Scales({1.0F, 4.0F}, {1, 1}).value();  // bounds 2^3 and 2^5
  const auto raise = [&](float first, float second) {
    return RaiseNeeded(scales, std::vector<float>{first, second});
  };
  EXPECT_EQ(raise(0.0F, 0.0F), 0U);
  EXPECT_EQ(raise(std::nextafter(8.0F, 0.0F), std::nextafter(32.0F, 0.0F)), 0U);
  EXPECT_EQ(raise(8.0F, 0.0F), 1U);  // Equality is out of bound.
  EXPECT_EQ(raise(std::nextafter(16.0F, 0.0F), 0.0F), 1U);
  EXPECT_EQ(raise(16.0F, 32.0F), 2U);
  EXPECT_EQ(raise(0.0F, 1024.0F), 6U);
  EXPECT_EQ(raise(std::numeric_limits<float>::max(), 0.0F), 125U);
}

}  // namespace
}  // namespace muster
