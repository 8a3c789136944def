#include "aggregation/lane_set.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

constexpr RingCapacity kLaneCapacity = {1U << 20, 40};

ParameterLayout One(const std::string& name, std::vector<std::uint64_t> shape) {
  return ParameterLayout::Create({{name, DType::f32, std::move(shape)}}).value();
}

/// The model's lane, one value of bound 2^20, and the model's shapes again with weight one.
std::vector<LaneSpec> SoundLanes() {
  const auto again =
      ParameterLayout::Create({{"c0", DType::f32, {3, 4}}, {"c1", DType::f32, {4}}}).value();
  return {{"delta", testing::Layout({{3, 4}, {4}}), LaneWeight::update},
          {"steps", One("steps", {}), LaneWeight::update, LaneReach::whole, 20},
          {"control", again, LaneWeight::one}};
}

Result<LaneSet> LaneSetOf(std::vector<LaneSpec> lanes) {
  return LaneSet::Create(std::move(lanes), testing::Layout({{3, 4}, {4}}));
}

TEST(LaneSet, AnUpdateHoldsItsLanesOneAfterAnother) {
  const LaneSet lanes = LaneSetOf(SoundLanes()).value();
  EXPECT_EQ(lanes.model(), testing::Layout({{3, 4}, {4}}));
  ASSERT_EQ(lanes.layout().entries().size(), 5U);
  EXPECT_EQ(lanes.layout().entries()[2].spec.name, "steps");
  EXPECT_EQ(lanes.layout().total_bytes(), 5 * 64U);
  EXPECT_EQ(lanes.FirstTensor(0), 0U);
  EXPECT_EQ(lanes.FirstTensor(1), 2U);
  EXPECT_EQ(lanes.FirstTensor(2), 3U);
  EXPECT_EQ(lanes.WeightOf(1), LaneWeight::update);
  EXPECT_EQ(lanes.WeightOf(2), LaneWeight::update);
  EXPECT_EQ(lanes.WeightOf(4), LaneWeight::one);
}

TEST(LaneSet, LanesThatCannotBeSummedAreRefused) {
  const auto refused = [](auto spoil) {
    std::vector<LaneSpec> lanes = SoundLanes();
    spoil(lanes);
    const auto set = LaneSetOf(std::move(lanes));
    return set ? Reason::finished : set.error().reason;
  };
  using Lanes = std::vector<LaneSpec>;
  EXPECT_EQ(refused([](Lanes&) {}), Reason::finished);
  EXPECT_EQ(refused([](Lanes& lanes) { lanes.clear(); }), Reason::unsupported);
  EXPECT_EQ(refused([](Lanes& lanes) { lanes.resize(5, lanes[2]); }), Reason::unsupported);
  EXPECT_EQ(refused([](Lanes& lanes) { lanes.erase(lanes.begin()); }), Reason::unsupported);
  EXPECT_EQ(refused([](Lanes& lanes) { lanes[0].reach = LaneReach::whole; }), Reason::unsupported);
  EXPECT_EQ(refused([](Lanes& lanes) { lanes[1].bound_log2.reset(); }), Reason::unsupported);
  EXPECT_EQ(refused([](Lanes& lanes) { lanes[1].bound_log2 = 2; }), Reason::unsupported);
  EXPECT_EQ(refused([](Lanes& lanes) { lanes[1].bound_log2 = 129; }), Reason::unsupported);
  EXPECT_EQ(refused([](Lanes& lanes) { lanes[1].reach = LaneReach::tile; }), Reason::unsupported);
  EXPECT_EQ(refused([](Lanes& lanes) { lanes[2].layout = One("c", {4}); }), Reason::unsupported);
  EXPECT_EQ(refused([](Lanes& lanes) {
              lanes[2].reach = LaneReach::whole;
              lanes[2].bound_log2 = 5;
            }),
            Reason::unsupported);
  EXPECT_EQ(refused([](Lanes& lanes) { lanes.push_back(lanes[2]); }), Reason::config_invalid);
  const auto counts = ParameterLayout::Create({{"n", DType::i64, {1}}}).value();
  EXPECT_EQ(refused([&](Lanes& lanes) { lanes[1].layout = counts; }), Reason::unsupported);
}

TEST(LaneSet, EachLaneHasTheExponentsOfItsWeightAndBound) {
  const LaneSet lanes = LaneSetOf(SoundLanes()).value();
  const float magnitudes[] = {0.5F, 3.0F};
  const auto scales = ComputeLaneScales(lanes, magnitudes, kLaneCapacity, 2).value();
  // e = 3 + ceil(log2(max(1, m))) + 2; s = min(51 - e - 20, 63 - e - 26) with weights up to 2^20
  // and 40 updates, min(51 - e, 63 - e - 6) where all weigh 1.
  const std::vector<TensorScale> expected = {{5, 26}, {7, 24}, {22, 9}, {5, 46}, {7, 44}};
  EXPECT_EQ(scales, expected);
  EXPECT_TRUE(CheckLaneScales(scales, lanes, kLaneCapacity).has_value());
}

TEST(LaneSet, ScalesOfAnotherLaneAreDamage) {
  const LaneSet lanes = LaneSetOf(SoundLanes()).value();
  const float magnitudes[] = {0.5F, 3.0F};
  auto scales = ComputeLaneScales(lanes, magnitudes, kLaneCapacity, 0).value();
  std::swap(scales[0], scales[3]);
  EXPECT_EQ(CheckLaneScales(scales, lanes, kLaneCapacity).error().reason, Reason::damage);
  std::swap(scales[0], scales[3]);
  scales.pop_back();
  EXPECT_EQ(CheckLaneScales(scales, lanes, kLaneCapacity).error().reason, Reason::damage);
}

TEST(LaneSet, ARaisedBoundEndsWhereFloatsDo) {
  const LaneSet lanes = LaneSetOf(SoundLanes()).value();
  const float magnitudes[] = {0.5F, 3.0F};
  const auto scales = ComputeLaneScales(lanes, magnitudes, kLaneCapacity, 200).value();
  for (const TensorScale& scale : scales) EXPECT_EQ(scale.bound_log2, kBoundLog2Max);
}

}  // namespace
}  // namespace muster
