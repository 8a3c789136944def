#include "aggregation/ring_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

/// A round's updates and weights, drawn from a seed.
class RingSumTest : public ::testing::Test {
 protected:
  static constexpr RingCapacity kCapacity = {1U << 20, 40};

  void DrawRound(std::uint64_t seed, const ParameterLayout& layout, std::size_t update_count) {
    KeyedStream stream(seed, "round", {});
    layout_ = layout;
    std::vector<float> magnitudes;
    for (std::size_t i = 0; i < layout.entries().size(); ++i) {
      magnitudes.push_back(testing::AnyFloatBelow(stream, 20));
      magnitudes.back() = std::fabs(magnitudes.back());
    }
    scales_ = ComputeScales(layout, magnitudes, kCapacity, 0).value();
    updates_.clear();
    weights_.clear();
    for (std::size_t u = 0; u < update_count; ++u) {
      ParameterSet update(layout);
      for (std::size_t tensor = 0; tensor < layout.entries().size(); ++tensor) {
        for (float& value : update.F32(tensor)) {
          value = testing::AnyFloatBelow(stream, scales_[tensor].bound_log2);
        }
      }
      updates_.push_back(std::move(update));
      weights_.push_back(1 + stream.Below(kCapacity.weight_max));
    }
  }

  RingSum NewSum(std::size_t tile_values = RingSum::kTileValues) {
    RingSum sum(testing::OneLane(layout_), tile_values);
    EXPECT_TRUE(sum.Reset(scales_, kCapacity).has_value());
    return sum;
  }

  std::vector<UpdateSource> Sources() const {
    std::vector<UpdateSource> sources;
    for (std::size_t u = 0; u < updates_.size(); ++u) {
      sources.push_back(testing::SourceOf(updates_[u], weights_[u]));
    }
    return sources;
  }

  /// What the sum must be, by integers and one update after another.
  void ExpectSumOfAll(const RingSum& sum) const {
    for (std::size_t tensor = 0; tensor < layout_.entries().size(); ++tensor) {
      const auto sums = sum.Tensor(tensor);
      for (std::size_t i = 0; i < sums.size(); ++i) {
        std::uint64_t expected = 0;
        for (std::size_t u = 0; u < updates_.size(); ++u) {
          expected += static_cast<std::uint64_t>(testing::RoundedProduct(
              updates_[u].F32(tensor)[i], weights_[u], scales_[tensor].scale_log2));
        }
        ASSERT_EQ(sums[i], expected) << "tensor " << tensor << " value " << i;
      }
    }
    EXPECT_EQ(sum.update_count(), updates_.size());
    std::uint64_t weight_sum = 0;
    for (std::uint64_t weight : weights_) weight_sum += weight;
    EXPECT_EQ(sum.weight_sum(), weight_sum);
  }

  ParameterLayout layout_;
  std::vector<TensorScale> scales_;
  std::vector<ParameterSet> updates_;
  std::vector<std::uint64_t> weights_;
};

TEST_F(RingSumTest, NanOrAValueOutOfBoundIsDamageAndNamesUpdateAndTensor) {
  DrawRound(1, testing::Layout({{40, 41}, {3}, {100, 100}}), 4);
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                          std::ldexp(1.0F, scales_[2].bound_log2)}) {
    updates_[3].F32(2)[9999] = bad;
    for (const std::size_t threads : {1, 2, 8}) {
      ThreadPool pool(threads);
      RingSum sum = NewSum(64);
      const Status status = sum.Fold(Sources(), pool);
      ASSERT_FALSE(status.has_value());
      EXPECT_EQ(status.error().reason, Reason::damage);
      EXPECT_NE(status.error().message.find("update 3"), std::string::npos);
      EXPECT_NE(status.error().message.find("layer2"), std::string::npos);
    }
  }
}

TEST_F(RingSumTest, AReadErrorEndsTheFold) {
  DrawRound(2, testing::Layout({{1000}}), 2);
  auto sources = Sources();
  sources[1].read = [](std::uint64_t offset, MutableByteSpan) -> Status {
    if (offset < 2048) return {};
    return Error{Reason::io_failed, "the disk is gone"};
  };
  ThreadPool pool(2);
  RingSum sum = NewSum(64);
  EXPECT_EQ(sum.Fold(sources, pool).error().reason, Reason::io_failed);
}

TEST_F(RingSumTest, ResetAfterAnErrorStartsFromNothing) {
  DrawRound(3, testing::Layout({{100}, {7}}), 3);
  ThreadPool pool(2);
  RingSum sum = NewSum();
  auto sources = Sources();
  sources[2].weight = 0;
  EXPECT_EQ(sum.Fold(sources, pool).error().reason, Reason::weight_invalid);
  ASSERT_TRUE(sum.Reset(scales_, kCapacity).has_value());
  ASSERT_TRUE(sum.Fold(Sources(), pool).has_value());
  ExpectSumOfAll(sum);
}

TEST_F(RingSumTest, ASumThatFailedCannotBeReadOrFoldedOn) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  DrawRound(9, testing::Layout({{100}}), 1);
  updates_[0].F32(0)[50] = std::nanf("");
  ThreadPool pool(1);
  RingSum sum = NewSum();
  ASSERT_FALSE(sum.Fold(Sources(), pool).has_value());
  EXPECT_DEATH(sum.Tensor(0), "void");
  EXPECT_DEATH(sum.Fold(Sources(), pool).has_value(), "Reset");
}

TEST_F(RingSumTest, WeightsAboveTheMaximumAreRefused) {
  DrawRound(4, testing::Layout({{10}}), 1);
  weights_[0] = kCapacity.weight_max + 1;
  ThreadPool pool(1);
  RingSum sum = NewSum();
  EXPECT_EQ(sum.Fold(Sources(), pool).error().reason, Reason::weight_invalid);
}

TEST_F(RingSumTest, MoreUpdatesThanTheCapacityAreRefused) {
  DrawRound(5, testing::Layout({{10}}), kCapacity.updates_max);
  ThreadPool pool(1);
  RingSum sum = NewSum();
  ASSERT_TRUE(sum.Fold(Sources(), pool).has_value());
  const auto sources = Sources();
  EXPECT_EQ(sum.Fold(std::span(sources).first(1), pool).error().reason, Reason::too_large);
}

TEST_F(RingSumTest, ScalesOfAnotherCapacityAreRefused) {
  DrawRound(6, testing::Layout({{10}}), 1);
  RingSum sum(testing::OneLane(layout_));
  EXPECT_EQ(sum.Reset(scales_, {1U << 29, 40}).error().reason, Reason::damage);
}

TEST_F(RingSumTest, AWeightTimesItsFactorAboveTheMaximumOrZeroIsRefused) {
  DrawRound(4, testing::Layout({{10}}), 1);
  weights_[0] = kCapacity.weight_max / 4;
  ThreadPool pool(1);
  for (const auto& [factor, taken] :
       {std::pair(4U, true), std::pair(5U, false), std::pair(0U, false), std::pair(~0U, false)}) {
    RingSum sum = NewSum();
    auto sources = Sources();
    sources[0].factor = factor;
    const Status folded = sum.Fold(sources, pool);
    EXPECT_EQ(folded.has_value(), taken) << factor;
    if (!taken) {
      EXPECT_EQ(folded.error().reason, Reason::weight_invalid) << factor;
    }
  }
}

// Four lanes whose borders lie within tiles: each is the sum that it would be alone.
TEST_F(RingSumTest, LanesAreSummedSideBySideEachWithItsWeight) {
  const auto scalar = ParameterLayout::Create({{"count", DType::f32, {}}}).value();
  const auto again = ParameterLayout::Create({{"again", DType::f32, {5000}}}).value();
  const auto steps = ParameterLayout::Create({{"steps", DType::f32, {}}}).value();
  const ParameterLayout model = testing::Layout({{5000}});
  const LaneSet lanes =
      LaneSet::Create({{"delta", model, LaneWeight::update},
                       {"count", scalar, LaneWeight::update, LaneReach::whole, 10},
                       {"again", again, LaneWeight::one},
                       {"steps", steps, LaneWeight::own, LaneReach::whole, 10}},
                      model)
          .value();
  const float magnitude = 1;
  const auto scales = ComputeLaneScales(lanes, {&magnitude, 1}, kCapacity, 0).value();
  KeyedStream stream(8, "lanes", {});
  for (int u = 0; u < 4; ++u) {
    updates_.push_back(
        testing::Filled(lanes.layout(), [&] { return testing::AnyFloatBelow(stream, 3); }));
    weights_.push_back(1 + stream.Below(kCapacity.weight_max / 4));
  }
  const std::uint32_t factors[] = {4, 1, 3, 2};
  std::vector<UpdateSource> sources = Sources();
  for (std::size_t u = 0; u < sources.size(); ++u) sources[u].factor = factors[u];
  RingSum sum(lanes, 48);
  ASSERT_TRUE(sum.Reset(scales, kCapacity).has_value());
  ThreadPool pool(2);
  ASSERT_TRUE(sum.Fold(sources, pool).has_value());
  for (std::size_t tensor = 0; tensor < 4; ++tensor) {
    for (std::size_t i = 0; i < sum.Tensor(tensor).size(); ++i) {
      std::uint64_t expected = 0;
      for (std::size_t u = 0; u < updates_.size(); ++u) {
        const std::uint64_t times[] = {weights_[u] * factors[u], weights_[u] * factors[u], 1,
                                       weights_[u]};
        expected += static_cast<std::uint64_t>(testing::RoundedProduct(
            updates_[u].F32(tensor)[i], times[tensor], scales[tensor].scale_log2));
      }
      ASSERT_EQ(sum.Tensor(tensor)[i], expected) << "tensor " << tensor << " value " << i;
    }
  }
  EXPECT_EQ(sum.update_count(), 4U);
  EXPECT_EQ(sum.weight_sum(), weights_[0] + weights_[1] + weights_[2] + weights_[3]);
}

TEST_F(RingSumTest, GapsAreNotSummed) {
  DrawRound(7, testing::Layout({{1}, {1}}), 1);
  for (std::byte& byte : updates_[0].bytes().subspan(4, 60)) byte = std::byte{0xff};  // NaNs
  ThreadPool pool(1);
  RingSum sum = NewSum();
  ASSERT_TRUE(sum.Fold(Sources(), pool).has_value());
  ExpectSumOfAll(sum);
}

TEST_F(RingSumTest, EachByteIsReadOnceWhateverTheThreads) {
  DrawRound(8, testing::Layout({{333}, {1, 2}, {5000}}), 1);
  for (const std::size_t threads : {1, 2, 3, 8}) {
    std::vector<std::atomic<int>> reads(layout_.total_bytes());
    auto sources = Sources();
    sources[0].read = [&, read = sources[0].read](std::uint64_t offset, MutableByteSpan bytes) {
      for (std::size_t i = 0; i < bytes.size(); ++i) ++reads[offset + i];
      return read(offset, bytes);
    };
    ThreadPool pool(threads);
    RingSum sum = NewSum(16);
    ASSERT_TRUE(sum.Fold(sources, pool).has_value());
    EXPECT_TRUE(std::all_of(reads.begin(), reads.end(), [](const auto& n) { return n == 1; }));
  }
}

// P4: order, grouping, threads and tiles change no bit, whatever the layout, weights and values.
TEST_F(RingSumTest, OrderGroupsThreadsAndTilesChangeNoBit) {
  constexpr std::uint64_t kSeed = 4;
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + " trial " + std::to_string(trial));
    KeyedStream stream(kSeed, "p4", {trial});
    std::vector<std::vector<std::uint64_t>> shapes(1 + stream.Below(6));
    for (auto& shape : shapes) shape = {1 + stream.Below(70), 1 + stream.Below(20)};
    DrawRound(stream.Next(), testing::Layout(shapes), 1 + stream.Below(kCapacity.updates_max));

    constexpr std::size_t kTiles[] = {16, 48, 1024, RingSum::kTileValues};
    constexpr std::size_t kThreads[] = {1, 2, 8};
    RingSum sum = NewSum(kTiles[stream.Below(4)]);
    ThreadPool pool(kThreads[stream.Below(3)]);
    std::vector<UpdateSource> sources = Sources();
    // Read, or where they lie.
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (stream.Below(2) == 0) continue;
      sources[i].in_memory = std::as_const(updates_[i]).bytes();
      sources[i].read = nullptr;
    }
    for (std::size_t i = sources.size(); i > 1; --i) {
      std::swap(sources[i - 1], sources[stream.Below(i)]);
    }
    for (std::span<const UpdateSource> rest = sources; !rest.empty();) {
      const auto group = rest.first(1 + stream.Below(rest.size()));
      ASSERT_TRUE(sum.Fold(group, pool).has_value());
      rest = rest.subspan(group.size());
    }
    ExpectSumOfAll(sum);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace muster
