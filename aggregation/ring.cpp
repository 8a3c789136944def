#include "aggregation/ring.h"

#include <bit>

#include "aggregation/floating_point.h"
#include "common/error.h"

namespace muster {
namespace {

// Adding 1.5 * 2^52 moves |v| <= 2^51 to where neighbouring doubles are 1 apart, so the addition
// itself rounds to nearest even and the low bits are the integer (two's complement).
constexpr double kRoundingShift = 1.5 * PowerOfTwo(52);
constexpr auto kRoundingShiftBits = std::bit_cast<std::uint64_t>(kRoundingShift);

// The bits of the float 2^exponent, infinity's for 128. Compared as integers, as magnitudes are.
constexpr std::int32_t BoundBits(std::int32_t exponent) { return (exponent + 127) << 23; }

}  // namespace

bool FoldTile(std::span<const float> values, const TensorScale& scale, std::uint64_t weight,
              std::span<std::uint64_t> sums) {
  MUSTER_CHECK(values.size() == sums.size(), "one sum a value");
  const float* __restrict const in = values.data();
  std::uint64_t* __restrict const out = sums.data();
  // Exact, and so is its product with any float32: 29 + 24 bits. A fused multiply-add would give
  // the same bits as the two operations.
  const double factor = static_cast<double>(weight) * PowerOfTwo(scale.scale_log2);
  const std::int32_t largest_allowed = BoundBits(scale.bound_log2) - 1;
  std::int32_t sign_if_outside = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int32_t magnitude =
        std::bit_cast<std::int32_t>(in[i]) & static_cast<std::int32_t>(kMagnitudeMask);
    sign_if_outside |= largest_allowed - magnitude;
    const double shifted = static_cast<double>(in[i]) * factor + kRoundingShift;
    out[i] += std::bit_cast<std::uint64_t>(shifted) - kRoundingShiftBits;
  }
  return sign_if_outside >= 0;
}

}  // namespace muster
