// The largest magnitude of float32 values, found through their bits.
#pragma once

#include <cstdint>
#include <span>

#include "common/bytes.h"

namespace muster {

/// The bits of the largest |x| of the float32 values that `values` holds; 0 if it holds none. At
/// or above kInfinityBits, and only then, a value is infinite or NaN. `values` may lie at any
/// address. REQUIRES: its size is a multiple of 4.
std::uint32_t LargestMagnitudeBits(ByteSpan values);

}  // namespace muster
