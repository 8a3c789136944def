// A lane: named tensors that a round sums over its updates, and what multiplies each update.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/error.h"
#include "model/parameter_set.h"

namespace muster {

enum class LaneWeight : std::uint8_t {
  /// The update's weight times its staleness factor; the denominator is the sum of the weights,
  /// each times the full factor (model/staleness.h). Without staleness both factors are 1.
  update,
  one,  ///< 1 for every update; the denominator is their number.
  /// The update's weight as if it were not stale; the denominator is the sum of the weights. For
  /// what a strategy multiplies with the mean of a lane of `update`: staleness enters once.
  own,
};

enum class LaneReach : std::uint8_t {
  tile,   ///< One tensor for each of the model's, of its shape: a tile sees its own elements.
  whole,  ///< One tensor of any shape: every tile sees all of it.
};

struct LaneSpec {
  std::string name;
  ParameterLayout layout;
  LaneWeight weight = LaneWeight::update;
  LaneReach reach = LaneReach::tile;
  /// Values below 2^bound_log2 are taken before attempts raise the bound. Nothing (of a lane that
  /// reaches tiles only): 8 * max(1, max|tensor|) of the parent's model tensor in the same place.
  std::optional<std::int32_t> bound_log2;
};

/// What multiplies an update of this weight and staleness factor in this lane.
constexpr std::uint64_t WeightInLane(LaneWeight lane, std::uint64_t weight, std::uint32_t factor) {
  if (lane == LaneWeight::one) return 1;
  return lane == LaneWeight::own ? weight : weight * factor;
}

/// Whether every tensor can be summed in the ring. Errors: unsupported, naming the first that is
/// not f32.
Status CheckLaneLayout(const ParameterLayout& layout);

}  // namespace muster
