// The exponents of a round: how a float32 becomes fixed point. Integers only, and nothing enters
// that depends on who takes part.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/error.h"
#include "model/parameter_set.h"
#include "protocol/records.h"

namespace muster {

/// What the sums of one commit must be able to hold.
struct RingCapacity {
  std::uint64_t weight_max = 0;   ///< 1 to 2^limits::kWeightMaxLog2.
  std::uint64_t updates_max = 0;  ///< 1 to limits::kUpdatesPerCommitMax: goal, K or S.
};

/// 2^128 is above every finite float32: a larger bound would only cost precision.
inline constexpr std::int32_t kBoundLog2Max = 128;
/// An update may be 8 times the parent's largest value, or 8 where that is below 1.
inline constexpr std::int32_t kBoundLog2Min = 3;

/// One scale a tensor of a lane, in its order. With W = weight_max and N = updates_max,
///   bound_log2 = e = min(kBoundLog2Max, ceil(log2(8 * max(1, max|parent tensor|))) + bound_raise)
///   scale_log2 = s = min(51 - e - ceil(log2 W), 63 - e - ceil(log2(W * N)))
/// so that every |w * x * 2^s| < 2^51, where the fast rounding is exact, and N of them sum to less
/// than 2^63. `tensor_max_abs` has one entry a tensor (VersionManifest::tensor_max_abs). The
/// absolute error of a mean is at most N * 2^-(s+1) / (the lane's denominator).
/// Errors: unsupported (a tensor that is not f32), config_invalid (capacity), size_mismatch (one
/// magnitude a tensor is needed), damage (a magnitude that is no magnitude).
Result<std::vector<TensorScale>> ComputeScales(const ParameterLayout& lane_layout,
                                               std::span<const float> tensor_max_abs,
                                               const RingCapacity& capacity,
                                               std::uint32_t bound_raise);

/// The scale of tensors with a bound of their own, whatever the model's values: s as above, with
///   bound_log2 = e = min(kBoundLog2Max, bound_log2 + bound_raise)
/// Errors: config_invalid (capacity). REQUIRES: kBoundLog2Min <= bound_log2 <= kBoundLog2Max.
Result<TensorScale> ComputeScale(std::int32_t bound_log2, const RingCapacity& capacity,
                                 std::uint32_t bound_raise);

/// Whether these are scales that ComputeScales can give for `tensor_count` tensors and this
/// capacity, so that sums stay exact: for scales that come from a disk. Errors: config_invalid
/// (capacity), damage.
Status CheckScales(std::span<const TensorScale> scales, std::size_t tensor_count,
                   const RingCapacity& capacity);

/// Whether a weight may enter a sum. Errors: weight_invalid.
Status CheckWeight(std::uint64_t weight, std::uint64_t weight_max);

/// How many bits every bound must grow to admit an update with these magnitudes (max|x| of each
/// tensor, UpdateSummary::tensor_max_abs); 0 if none is out of bound as it is.
/// REQUIRES: as many magnitudes as scales, all finite.
std::uint32_t RaiseNeeded(std::span<const TensorScale> scales, std::span<const float> magnitudes);

}  // namespace muster
