// What the arithmetic of this folder needs from compiler and processor so that its bits are equal
// on every machine: IEEE 754 binary32 and binary64, each operation rounded once, to nearest even.
#pragma once

#include <bit>
#include <cfloat>
#include <cstdint>
#include <limits>

#include "common/error.h"

#if defined(__FAST_MATH__)
#error "aggregation/ defines bits: build it without -ffast-math"
#endif

namespace muster {

static_assert(FLT_EVAL_METHOD == 0, "a float or double operation must round to its own type");
static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559);

/// The bits of +infinity: a magnitude's bits (sign cleared) at or above are infinity or NaN, and
/// below they are ordered as the values are.
inline constexpr std::uint32_t kInfinityBits = 0x7f800000;
inline constexpr std::uint32_t kMagnitudeMask = 0x7fffffff;

/// 2^exponent, exact. REQUIRES: -1022 <= exponent <= 1023.
constexpr double PowerOfTwo(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

/// Measures the calling thread's rounding mode and whether it flushes subnormal numbers to zero;
/// threads inherit both from their creator. To be called once, when a coordinator starts.
/// Errors: unsupported.
Status CheckFloatingPoint();

}  // namespace muster
