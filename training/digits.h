// The built-in data set: grey 28 x 28 digits drawn with a shaky pen. Needs no download. Example i
// is a pure function of (seed, split, i), bit-exact on every machine: no libm but sqrt.
#pragma once

#include <cstdint>
#include <span>

#include "training/examples.h"

namespace muster {

/// What example `index` shows; classes take turns, so every class is equally frequent.
inline std::uint8_t DigitLabel(std::uint64_t index) {
  return static_cast<std::uint8_t>(index % kClassCount);
}

/// Draws example `index`: row after row from the top, 0 is paper, 255 is ink. One of several ways
/// to write the digit, its points shaken, bent (a smooth random field), slanted, turned, scaled
/// and shifted, drawn with a pen of random width and blackness, with a stray stroke now and then
/// and noise over all.
void DrawDigit(std::uint64_t seed, Split split, std::uint64_t index,
               std::span<std::uint8_t, kImageBytes> pixels);

}  // namespace muster
