#include "training/digits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "common/digest.h"

namespace muster {
namespace {

using Pixels = std::array<std::uint8_t, kImageBytes>;

Pixels Draw(std::uint64_t seed, Split split, std::uint64_t index) {
  Pixels pixels;
  pixels.fill(0xaa);
  DrawDigit(seed, split, index, pixels);
  return pixels;
}

int Difference(const Pixels& a, const Pixels& b) {
  return std::transform_reduce(a.begin(), a.end(), b.begin(), 0, std::plus<>(),
                               [](int x, int y) { return std::abs(x - y); });
}

TEST(Digits, AnExampleDependsOnSeedSplitAndIndexAlone) {
  const Pixels first = Draw(3, Split::train, 5);
  Draw(3, Split::train, 6);
  EXPECT_EQ(Draw(3, Split::train, 5), first);
  EXPECT_NE(Draw(4, Split::train, 5), first);
  EXPECT_NE(Draw(3, Split::test, 5), first);
  EXPECT_NE(Draw(3, Split::train, 15), first);
}

// The same bits on every machine, compiler and optimisation: a change of this digest changes every
// job on built-in data.
TEST(Digits, DrawingsAreTheGoldenOnes) {
  Sha256 digest;
  for (std::uint64_t index = 0; index < 500; ++index) {
    const Pixels pixels = Draw(1, Split::train, index);
    digest.Update(std::as_bytes(std::span(pixels)));
  }
  EXPECT_EQ(Hex(digest.Finish()),
            "9a52e4bd62f337e401348544669cf97e1fe9c206c8c2fcac666d4e045fc8e954");
}

TEST(Digits, EveryDrawingHasInkInItsMiddleAndPaperAtItsRim) {
  for (std::uint64_t index = 0; index < 3000; ++index) {
    const Pixels pixels = Draw(2, Split::train, index);
    int ink = 0;
    for (std::uint32_t row = 4; row < 24; ++row) {
      for (std::uint32_t column = 4; column < 24; ++column) {
        ink += pixels[row * kImageSide + column] > 100 ? 1 : 0;
      }
    }
    ASSERT_GT(ink, 12) << "index " << index;
    const auto blank = std::count_if(pixels.begin(), pixels.end(), [](int v) { return v < 40; });
    ASSERT_GT(blank, static_cast<int>(kImageBytes) / 2) << "index " << index;
  }
}

TEST(Digits, NoTwoDrawingsOfAClassAreAlike) {
  for (std::uint64_t digit = 0; digit < kClassCount; ++digit) {
    const Pixels first = Draw(1, Split::train, digit);
    for (std::uint64_t turn = 1; turn < 20; ++turn) {
      ASSERT_GT(Difference(first, Draw(1, Split::train, digit + turn * kClassCount)), 5000);
    }
  }
}

TEST(Digits, ClassesTakeTurns) {
  EXPECT_EQ(DigitLabel(0), 0);
  EXPECT_EQ(DigitLabel(19), 9);
  EXPECT_EQ(DigitLabel(1ULL << 40), (1ULL << 40) % 10);
}

}  // namespace
}  // namespace muster
