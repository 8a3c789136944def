// A lane: named tensors that a round sums over its updates, and what multiplies each update.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"
#include "model/parameter_set.h"

namespace muster {

enum class LaneWeight : std::uint8_t {
  update,  ///< The update's own weight; the denominator is the sum of the weights.
  one,     ///< 1 for every update; the denominator is their number.
};

struct LaneSpec {
  std::string name;
  ParameterLayout layout;
  LaneWeight weight = LaneWeight::update;
};

/// What multiplies an update of weight `update_weight` in this lane.
constexpr std::uint64_t WeightInLane(LaneWeight lane, std::uint64_t update_weight) {
  return lane == LaneWeight::one ? 1 : update_weight;
}

/// Whether every tensor can be summed in the ring. Errors: unsupported, naming the first that is
/// not f32.
Status CheckLaneLayout(const ParameterLayout& layout);

}  // namespace muster
