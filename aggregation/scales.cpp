#include "aggregation/scales.h"

#include <algorithm>
#include <bit>
#include <string>

#include "aggregation/floating_point.h"
#include "aggregation/lane.h"
#include "common/limits.h"

namespace muster {
namespace {

constexpr std::int32_t kExactRoundingLog2 = 51;
constexpr std::int32_t kSumLog2 = 63;
constexpr int kMantissaBits = 23;
constexpr std::int32_t kExponentBias = 127;

std::int32_t CeilLog2(std::uint64_t number) {
  return static_cast<std::int32_t>(std::bit_width(number - 1));
}

// floor(log2) of a positive finite value; anything below the normal range counts as -127.
std::int32_t FloorLog2(std::uint32_t magnitude_bits) {
  return static_cast<std::int32_t>(magnitude_bits >> kMantissaBits) - kExponentBias;
}

// ceil(log2(max(1, magnitude))).
std::int32_t CeilLog2AtLeastOne(std::uint32_t magnitude_bits) {
  constexpr std::uint32_t kMantissaMask = (1U << kMantissaBits) - 1;
  if (magnitude_bits <= std::bit_cast<std::uint32_t>(1.0F)) return 0;
  return FloorLog2(magnitude_bits) + ((magnitude_bits & kMantissaMask) != 0 ? 1 : 0);
}

// The largest scale_log2 that keeps products and sums exact for this bound.
std::int32_t ScaleFor(std::int32_t bound_log2, const RingCapacity& capacity) {
  return std::min(kExactRoundingLog2 - bound_log2 - CeilLog2(capacity.weight_max),
                  kSumLog2 - bound_log2 - CeilLog2(capacity.weight_max * capacity.updates_max));
}

TensorScale RaisedScale(std::int32_t bound_log2, const RingCapacity& capacity,
                        std::uint32_t bound_raise) {
  const std::int64_t raised = std::int64_t{bound_log2} + bound_raise;
  TensorScale scale;
  scale.bound_log2 = static_cast<std::int32_t>(std::min<std::int64_t>(raised, kBoundLog2Max));
  scale.scale_log2 = ScaleFor(scale.bound_log2, capacity);
  return scale;
}

Status CheckCapacity(const RingCapacity& capacity) {
  if (capacity.weight_max == 0 || capacity.weight_max > (1ULL << limits::kWeightMaxLog2)) {
    return Error{Reason::config_invalid, "weight_max is " + std::to_string(capacity.weight_max) +
                                             "; it must be 1 to 2^" +
                                             std::to_string(limits::kWeightMaxLog2)};
  }
  if (capacity.updates_max == 0 || capacity.updates_max > limits::kUpdatesPerCommitMax) {
    return Error{Reason::config_invalid, "a commit of " + std::to_string(capacity.updates_max) +
                                             " updates is asked for; it may hold 1 to " +
                                             std::to_string(limits::kUpdatesPerCommitMax)};
  }
  return {};
}

}  // namespace

Result<std::vector<TensorScale>> ComputeScales(const ParameterLayout& lane_layout,
                                               std::span<const float> tensor_max_abs,
                                               const RingCapacity& capacity,
                                               std::uint32_t bound_raise) {
  MUSTER_TRY(CheckCapacity(capacity));
  MUSTER_TRY(CheckLaneLayout(lane_layout));
  const auto entries = lane_layout.entries();
  if (tensor_max_abs.size() != entries.size()) {
    return Error{Reason::size_mismatch, std::to_string(tensor_max_abs.size()) + " magnitudes for " +
                                            std::to_string(entries.size()) + " tensors"};
  }
  std::vector<TensorScale> scales(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(tensor_max_abs[i]);
    if (bits >= kInfinityBits) {  // Negative numbers have the highest bit.
      return Error{Reason::damage, "the recorded largest magnitude of tensor " +
                                       entries[i].spec.name + " is not a finite magnitude"};
    }
    scales[i] = RaisedScale(kBoundLog2Min + CeilLog2AtLeastOne(bits), capacity, bound_raise);
  }
  return scales;
}

Result<TensorScale> ComputeScale(std::int32_t bound_log2, const RingCapacity& capacity,
                                 std::uint32_t bound_raise) {
  MUSTER_CHECK(bound_log2 >= kBoundLog2Min && bound_log2 <= kBoundLog2Max, "a lane's own bound");
  MUSTER_TRY(CheckCapacity(capacity));
  return RaisedScale(bound_log2, capacity, bound_raise);
}

Status CheckScales(std::span<const TensorScale> scales, std::size_t tensor_count,
                   const RingCapacity& capacity) {
  MUSTER_TRY(CheckCapacity(capacity));
  if (scales.size() != tensor_count) {
    return Error{Reason::damage, std::to_string(scales.size()) + " scales are recorded for " +
                                     std::to_string(tensor_count) + " tensors"};
  }
  for (const TensorScale& scale : scales) {
    if (scale.bound_log2 < kBoundLog2Min || scale.bound_log2 > kBoundLog2Max ||
        scale.scale_log2 != ScaleFor(scale.bound_log2, capacity)) {
      return Error{Reason::damage, "the recorded scale (bound 2^" +
                                       std::to_string(scale.bound_log2) + ", scale 2^" +
                                       std::to_string(scale.scale_log2) +
                                       ") is not the one this job has for that bound"};
    }
  }
  return {};
}

Status CheckWeight(std::uint64_t weight, std::uint64_t weight_max) {
  if (weight == 0 || weight > weight_max) {
    return Error{Reason::weight_invalid, "weight " + std::to_string(weight) + " is not in 1 to " +
                                             std::to_string(weight_max)};
  }
  return {};
}

std::uint32_t RaiseNeeded(std::span<const TensorScale> scales, std::span<const float> magnitudes) {
  MUSTER_CHECK(scales.size() == magnitudes.size(), "one magnitude a scale");
  std::int32_t raise = 0;
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(magnitudes[i]);
    MUSTER_CHECK(bits < kInfinityBits, "magnitudes of a finite update");
    // |x| < 2^e is asked for, strictly: a power of two needs the next exponent.
    raise = std::max(raise, FloorLog2(bits) + 1 - scales[i].bound_log2);
  }
  return static_cast<std::uint32_t>(raise);
}

}  // namespace muster
