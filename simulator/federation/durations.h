// How long what goes wrong lasts: short mostly, now and then very long.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>

#include "common/random.h"
#include "simulator/world/trace.h"

namespace muster::simulator {

/// In [least, most], each octave as likely as the others. REQUIRES: 0 < least <= most.
inline Micros DurationOf(KeyedStream& stream, Micros least, Micros most) {
  const auto octaves =
      static_cast<std::uint64_t>(std::bit_width(static_cast<std::uint64_t>(most / least)));
  const Micros low = least << stream.Below(octaves);
  const auto width = static_cast<std::uint64_t>(std::min(low, most - low + 1));
  return low + static_cast<Micros>(stream.Below(width));
}

inline std::string SecondsText(Micros duration) {
  return std::to_string(duration / (1'000 * kMillisecond)) + "." +
         std::to_string(duration / (100 * kMillisecond) % 10) + " s";
}

}  // namespace muster::simulator
