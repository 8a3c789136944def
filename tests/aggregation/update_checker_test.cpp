#include "aggregation/update_checker.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

constexpr float kInfinite = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();

class UpdateCheckerTest : public ::testing::Test {
 protected:
  UpdateCheckerTest() : update_(testing::Layout({{5, 7}, {1}, {16}, {33}})) {
    KeyedStream stream(1, "update", {});
    update_ = testing::Filled(update_.layout(), [&] { return testing::DeltaLikeFloat(stream); });
  }

  UpdateChecker Checker() { return std::move(*UpdateChecker::Create(update_.layout())); }

  /// Hands the whole update over in chunks of at most `chunk_bytes`; the first error ends it.
  Status AddAll(UpdateChecker& checker, std::size_t chunk_bytes) {
    for (ByteSpan rest = update_.bytes(); !rest.empty();) {
      const ByteSpan chunk = rest.first(std::min(chunk_bytes, rest.size()));
      MUSTER_TRY(checker.Add(chunk));
      rest = rest.subspan(chunk.size());
    }
    return {};
  }

  /// Hands over update bytes [begin, end).
  Status Add(UpdateChecker& checker, std::size_t begin, std::size_t end) {
    return checker.Add(update_.bytes().subspan(begin, end - begin));
  }

  ParameterSet update_;
};

TEST_F(UpdateCheckerTest, NanIsSeenWithTheByteThatCompletesIt) {
  for (const float bad : {kNan, -kNan, kInfinite, -kInfinite}) {
    update_.F32(2)[3] = bad;
    const std::size_t place = update_.layout().entries()[2].offset_bytes + 3 * 4;
    UpdateChecker checker = Checker();
    ASSERT_TRUE(Add(checker, 0, place).has_value());
    ASSERT_TRUE(Add(checker, place, place + 3).has_value());
    EXPECT_TRUE(checker.Summary().finite);
    const Status status = Add(checker, place + 3, place + 4);
    ASSERT_FALSE(status.has_value()) << bad;
    EXPECT_EQ(status.error().reason, Reason::not_finite);
    EXPECT_NE(status.error().message.find("layer2"), std::string::npos);
    EXPECT_FALSE(checker.Summary().finite);
  }
}

TEST_F(UpdateCheckerTest, NanIsSeenAtEveryPlaceInEveryChunking) {
  for (std::size_t tensor = 0; tensor < 4; ++tensor) {
    for (std::size_t i = 0; i < update_.F32(tensor).size(); ++i) {
      const float good = std::exchange(update_.F32(tensor)[i], kNan);
      for (const std::size_t chunk_bytes : {1, 3, 61, 100'000}) {
        UpdateChecker checker = Checker();
        const Status status = AddAll(checker, chunk_bytes);
        ASSERT_FALSE(status.has_value()) << "tensor " << tensor << " value " << i;
        EXPECT_EQ(status.error().reason, Reason::not_finite);
      }
      update_.F32(tensor)[i] = good;
    }
  }
}

TEST_F(UpdateCheckerTest, AFaultStaysAFault) {
  update_.F32(0)[0] = kNan;
  UpdateChecker checker = Checker();
  EXPECT_FALSE(Add(checker, 0, 4).has_value());
  EXPECT_EQ(Add(checker, 4, 8).error().reason, Reason::not_finite);
}

TEST_F(UpdateCheckerTest, BytesBetweenTensorsMustBeZero) {
  const auto& first = update_.layout().entries()[0];
  const auto& last = update_.layout().entries()[3];
  for (const std::size_t place :
       {first.offset_bytes + first.size_bytes, update_.layout().entries()[1].offset_bytes - 1,
        last.offset_bytes + last.size_bytes, update_.layout().total_bytes() - 1}) {
    update_.bytes()[place] = std::byte{1};
    UpdateChecker checker = Checker();
    ASSERT_TRUE(Add(checker, 0, place).has_value());
    EXPECT_EQ(Add(checker, place, place + 1).error().reason, Reason::malformed_message);
    EXPECT_FALSE(checker.Summary().gaps_zero);
    EXPECT_TRUE(checker.Summary().finite);
    update_.bytes()[place] = std::byte{0};
  }
}

TEST_F(UpdateCheckerTest, ALaterGapOfZerosDoesNotHealAnEarlierOne) {
  update_.bytes()[update_.layout().entries()[1].offset_bytes - 1] = std::byte{1};
  UpdateChecker checker = Checker();
  EXPECT_EQ(checker.Add(update_.bytes()).error().reason, Reason::malformed_message);
  EXPECT_FALSE(checker.Summary().gaps_zero);
}

TEST_F(UpdateCheckerTest, MoreBytesThanTheModelAreRefusedWhole) {
  UpdateChecker checker = Checker();
  ASSERT_TRUE(AddAll(checker, 64).has_value());
  const UpdateSummary before = checker.Summary();
  const std::array<std::byte, 1> extra{};
  EXPECT_EQ(checker.Add(extra).error().reason, Reason::size_mismatch);
  EXPECT_EQ(checker.Summary().bytes, before.bytes);
  EXPECT_EQ(checker.Summary().digest, before.digest);
}

TEST_F(UpdateCheckerTest, EveryChunkingGivesTheSameSummary) {
  for (std::size_t chunk_bytes = 1; chunk_bytes <= update_.bytes().size(); ++chunk_bytes) {
    UpdateChecker checker = Checker();
    ASSERT_TRUE(AddAll(checker, chunk_bytes).has_value());
    const UpdateSummary summary = checker.Summary();
    EXPECT_EQ(summary.bytes, update_.bytes().size());
    EXPECT_EQ(summary.digest, Xxh128Of(update_.bytes()));
    EXPECT_TRUE(summary.finite && summary.gaps_zero);
    ASSERT_EQ(summary.tensor_max_abs.size(), 4U);
    for (std::size_t tensor = 0; tensor < 4; ++tensor) {
      float largest = 0;
      for (float value : update_.F32(tensor)) largest = std::max(largest, std::fabs(value));
      ASSERT_EQ(summary.tensor_max_abs[tensor], largest) << "chunks of " << chunk_bytes;
    }
  }
}

TEST_F(UpdateCheckerTest, ChunksMayLieAtAnyAddress) {
  Bytes shifted(update_.bytes().size() + 1);
  std::copy(update_.bytes().begin(), update_.bytes().end(), shifted.begin() + 1);
  UpdateChecker checker = Checker();
  ASSERT_TRUE(checker.Add(ByteSpan(shifted).subspan(1)).has_value());
  EXPECT_EQ(checker.Summary().digest, Xxh128Of(update_.bytes()));
}

TEST_F(UpdateCheckerTest, NegativeZeroAndSubnormalsAreMagnitudes) {
  for (float& value : update_.F32(1)) value = -0.0F;
  for (float& value : update_.F32(2)) value = -std::numeric_limits<float>::denorm_min();
  UpdateChecker checker = Checker();
  ASSERT_TRUE(AddAll(checker, 4096).has_value());
  EXPECT_EQ(checker.Summary().tensor_max_abs[1], 0.0F);
  EXPECT_FALSE(std::signbit(checker.Summary().tensor_max_abs[1]));
  EXPECT_EQ(checker.Summary().tensor_max_abs[2], std::numeric_limits<float>::denorm_min());
}

TEST(UpdateChecker, IntegerTensorsAreRefusedByName) {
  const auto layout = ParameterLayout::Create({{"steps", DType::i64, {1}}}).value();
  EXPECT_EQ(UpdateChecker::Create(layout).error().reason, Reason::unsupported);
}

}  // namespace
}  // namespace muster
