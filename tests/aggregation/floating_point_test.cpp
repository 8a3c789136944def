#include "aggregation/floating_point.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <thread>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace muster {
namespace {

// Each test changes a thread of its own, so that it leaves nothing behind.
Status CheckedIn(void (*change)()) {
  Status status;
  std::thread([&] {
    change();
    status = CheckFloatingPoint();
  }).join();
  return status;
}

TEST(FloatingPoint, TheDefaultModesPass) { EXPECT_TRUE(CheckFloatingPoint().has_value()); }

TEST(FloatingPoint, EveryOtherRoundingModeIsRefused) {
  EXPECT_EQ(CheckedIn([] { std::fesetround(FE_UPWARD); }).error().reason, Reason::unsupported);
  EXPECT_EQ(CheckedIn([] { std::fesetround(FE_DOWNWARD); }).error().reason, Reason::unsupported);
  EXPECT_EQ(CheckedIn([] { std::fesetround(FE_TOWARDZERO); }).error().reason, Reason::unsupported);
}

#if defined(__SSE__)
TEST(FloatingPoint, FlushingSubnormalsIsRefused) {
  constexpr unsigned kFlushToZero = 0x8000;
  constexpr unsigned kDenormalsAreZero = 0x0040;
  static_assert(kFlushToZero == _MM_FLUSH_ZERO_ON);
  EXPECT_EQ(CheckedIn([] { _mm_setcsr(_mm_getcsr() | kFlushToZero); }).error().reason,
            Reason::unsupported);
  EXPECT_EQ(CheckedIn([] { _mm_setcsr(_mm_getcsr() | kDenormalsAreZero); }).error().reason,
            Reason::unsupported);
}
#endif

TEST(FloatingPoint, PowersOfTwoAreExact) {
  for (int exponent = -1022; exponent <= 1023; ++exponent) {
    ASSERT_EQ(PowerOfTwo(exponent), std::ldexp(1.0, exponent)) << exponent;
  }
}

}  // namespace
}  // namespace muster
