#include "model/parameter_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/limits.h"

namespace muster {
namespace {

ParameterLayout Layout(std::vector<TensorSpec> specs) {
  auto layout = ParameterLayout::Create(std::move(specs));
  EXPECT_TRUE(layout.has_value());
  return layout.value_or(ParameterLayout());
}

Reason RefusalOf(std::vector<TensorSpec> specs) {
  const auto layout = ParameterLayout::Create(std::move(specs));
  return layout ? Reason::internal : layout.error().reason;
}

// --- Layouts -------------------------------------------------------------------------------------

TEST(ParameterLayoutTest, TensorsThatCannotBeAreRefused) {
  EXPECT_EQ(RefusalOf({{"", DType::f32, {1}}}), Reason::config_invalid);
  EXPECT_EQ(RefusalOf({{std::string(257, 'n'), DType::f32, {1}}}), Reason::config_invalid);
  EXPECT_EQ(RefusalOf({{"a", DType::f32, {3, 0}}}), Reason::config_invalid);
  EXPECT_EQ(RefusalOf({{"a", DType::f32, {1}}, {"a", DType::f64, {1}}}), Reason::config_invalid);
  EXPECT_EQ(RefusalOf({{"a", DType::f32, std::vector<std::uint64_t>(9, 1)}}), Reason::too_large);
}

TEST(ParameterLayoutTest, ShapesThatWrapAreTooLarge) {
  constexpr std::uint64_t kHalf = 1ULL << 32;
  EXPECT_EQ(RefusalOf({{"a", DType::f32, {kHalf, kHalf}}}), Reason::too_large);
  EXPECT_EQ(RefusalOf({{"a", DType::f32, {kHalf, kHalf, 2}}}), Reason::too_large);
  EXPECT_EQ(RefusalOf({{"a", DType::f64, {~0ULL}}}), Reason::too_large);
  EXPECT_EQ(RefusalOf({{"a", DType::f64, {1ULL << 61, 8}}}), Reason::too_large);
}

TEST(ParameterLayoutTest, ModelOfExactlyTheLimitIsTheLargest) {
  const std::uint64_t whole = limits::kModelBytesMax / 4;
  EXPECT_EQ(Layout({{"a", DType::f32, {whole}}}).total_bytes(), limits::kModelBytesMax);
  EXPECT_EQ(RefusalOf({{"a", DType::f32, {whole + 1}}}), Reason::too_large);
  EXPECT_EQ(RefusalOf({{"a", DType::f32, {whole}}, {"b", DType::f32, {1}}}), Reason::too_large);
  EXPECT_EQ(RefusalOf({{"a", DType::f32, {whole - 16}}, {"b", DType::f32, {17}}}),
            Reason::too_large);
}

TEST(ParameterLayoutTest, OneTensorTooManyIsTooLarge) {
  std::vector<TensorSpec> specs;
  for (std::size_t i = 0; i <= limits::kTensorsMax; ++i) {
    specs.push_back({"t" + std::to_string(i), DType::f32, {1}});
  }
  EXPECT_EQ(RefusalOf(specs), Reason::too_large);
  specs.pop_back();
  EXPECT_EQ(Layout(specs).total_bytes(), limits::kTensorsMax * limits::kTensorAlignmentBytes);
}

TEST(ParameterLayoutTest, EveryTensorStartsOnACacheLine) {
  const ParameterLayout layout =
      Layout({{"a", DType::f32, {17}}, {"b", DType::f64, {8}}, {"c", DType::i64, {}}});
  ASSERT_EQ(layout.entries().size(), 3U);
  EXPECT_EQ(layout.entries()[0].size_bytes, 68U);
  EXPECT_EQ(layout.entries()[1].offset_bytes, 128U);
  EXPECT_EQ(layout.entries()[2].offset_bytes, 192U);
  EXPECT_EQ(layout.total_bytes(), 256U);
  EXPECT_EQ(layout.element_count(), 26U);
}

TEST(ParameterLayoutTest, ConcatenationMovesTheSecondBehindTheFirst) {
  const ParameterLayout first = Layout({{"a", DType::f32, {17}}});
  const ParameterLayout second = Layout({{"b", DType::f32, {1}}, {"c", DType::f32, {1}}});
  const auto both = ParameterLayout::Concatenate(first, second);
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->Find("a")->offset_bytes, 0U);
  EXPECT_EQ(both->Find("c")->offset_bytes, first.total_bytes() + second.Find("c")->offset_bytes);
  EXPECT_EQ(both->Find("d"), nullptr);
  EXPECT_FALSE(ParameterLayout::Concatenate(first, first).has_value());
}

// Begins every version digest: a change here changes them all.
TEST(ParameterLayoutTest, EncodingOfAKnownLayoutNeverChanges) {
  EXPECT_EQ(Hex(Layout({{"ab", DType::f32, {3, 5}}}).Encode()),
            "0100000000000000"
            "0200000000000000"
            "6162"
            "0100000000000000"
            "0200000000000000"
            "0300000000000000"
            "0500000000000000");
}

TEST(ParameterLayoutTest, EveryPartOfALayoutIsInItsEncoding) {
  const std::vector<std::vector<TensorSpec>> layouts = {
      {},
      {{"a", DType::f32, {}}},
      {{"a", DType::f32, {1}}},
      {{"a", DType::f64, {1}}},
      {{"b", DType::f32, {1}}},
      {{"a", DType::f32, {2}}},
      {{"a", DType::f32, {1, 1}}},
      {{"a", DType::f32, {1}}, {"b", DType::f32, {1}}},
      {{"b", DType::f32, {1}}, {"a", DType::f32, {1}}}};
  std::vector<Bytes> encodings;
  for (const auto& specs : layouts) {
    encodings.push_back(Layout(specs).Encode());
  }
  std::sort(encodings.begin(), encodings.end());
  EXPECT_EQ(std::adjacent_find(encodings.begin(), encodings.end()), encodings.end());
}

// --- Values --------------------------------------------------------------------------------------

TEST(ParameterSetTest, NewValuesAndGapsAreZeroAndAligned) {
  ParameterSet set(Layout({{"a", DType::f32, {17}}, {"b", DType::f32, {3}}}));
  EXPECT_EQ(set.bytes().size(), 192U);
  EXPECT_TRUE(std::ranges::all_of(set.bytes(), [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(set.bytes().data()) % limits::kTensorAlignmentBytes,
            0U);
}

TEST(ParameterSetTest, ValuesLieWhereTheLayoutSays) {
  ParameterSet set(Layout({{"a", DType::f32, {17}}, {"b", DType::f32, {3}}}));
  set.F32(1)[2] = 1.5F;
  EXPECT_EQ(LoadLittle<float>(set.bytes(), 128 + 8), 1.5F);
  EXPECT_EQ(set.F32(0).size(), 17U);
}

TEST(ParameterSetTest, CloneIsEqualAndApart) {
  ParameterSet set(Layout({{"a", DType::f32, {3}}}));
  set.F32(0)[0] = 1;
  ParameterSet copy = set.Clone();
  EXPECT_EQ(Hex(copy.bytes()), Hex(set.bytes()));
  copy.F32(0)[0] = 2;
  EXPECT_EQ(set.F32(0)[0], 1);
}

TEST(ParameterSetTest, SetOfNoTensorsHasNoBytes) {
  const ParameterSet set;
  EXPECT_TRUE(set.bytes().empty());
  EXPECT_TRUE(set.Clone().bytes().empty());
  EXPECT_TRUE(ParameterSet(Layout({})).bytes().empty());
}

TEST(ParameterSetTest, MovedFromSetHasNoBytes) {
  ParameterSet set(Layout({{"a", DType::f32, {3}}}));
  const ParameterSet moved = std::move(set);
  EXPECT_EQ(moved.bytes().size(), 64U);
  EXPECT_TRUE(set.bytes().empty());  // NOLINT(bugprone-use-after-move): must not dangle
}

TEST(ParameterSetTest, FloatsOfAnotherDTypeAreABugOfTheCaller) {
  ParameterSet set(Layout({{"a", DType::i64, {3}}}));
  EXPECT_DEATH((void)set.F32(0), "not an f32 tensor");
}

}  // namespace
}  // namespace muster
