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

/// Whether every tensor can be summed in the ring. Errors: unsupported, naming the first that is
/// not f32.
Status CheckLaneLayout(const ParameterLayout& layout);

}  // namespace muster
