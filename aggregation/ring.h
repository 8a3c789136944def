// The ring: float32 values become integers that are summed modulo 2^64. Integer addition is
// associative and commutative, so no order of arrival, thread or group changes a bit of a sum.
#pragma once

#include <cstdint>
#include <span>

#include "protocol/records.h"

namespace muster {

/// sums[i] += round(weight * values[i] * 2^scale.scale_log2) modulo 2^64, rounded to nearest, ties
/// to even. Returns false if a value is NaN, infinite or |x| >= 2^scale.bound_log2; `sums` is then
/// unusable. Thread-safe on different sums.
/// REQUIRES: equal sizes, no overlap; 1 <= weight <= W where CheckScales passes with weight_max W.
bool FoldTile(std::span<const float> values, const TensorScale& scale, std::uint64_t weight,
              std::span<std::uint64_t> sums);

/// What a sum stands for: ((double)(int64)sum * 2^-scale_log2) / denominator, in this order, each
/// step rounded to nearest even in double (the multiplication is exact).
/// `unit` is 2^-scale_log2; a denominator up to 2^49 is an exact double.
inline double RingMean(std::uint64_t sum, double unit, double denominator) {
  return static_cast<double>(static_cast<std::int64_t>(sum)) * unit / denominator;
}

}  // namespace muster
