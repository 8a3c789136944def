#include "aggregation/magnitude.h"

#include <algorithm>

#include "aggregation/floating_point.h"

namespace muster {

std::uint32_t LargestMagnitudeBits(ByteSpan values) {
  const std::byte* const data = values.data();
  const std::size_t count = values.size() / sizeof(float);
  // Signed, because a magnitude has no sign bit and SSE2 compares signed integers only.
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::int32_t bits;
    std::memcpy(&bits, data + i * sizeof(bits), sizeof(bits));
    largest = std::max(largest, bits & static_cast<std::int32_t>(kMagnitudeMask));
  }
  return static_cast<std::uint32_t>(largest);
}

}  // namespace muster
