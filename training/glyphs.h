// How the ten digits are written: the strokes of the built-in data set.
#pragma once

#include <span>
#include <vector>

namespace muster {

/// x grows to the right, y downwards; a digit fills about the unit square.
struct Point {
  float x = 0;
  float y = 0;
};

/// One pull of the pen. Curved: a Catmull-Rom spline through the points; otherwise straight lines.
struct Stroke {
  bool curved = false;
  std::vector<Point> points;
};

/// One way to write a digit.
using Glyph = std::vector<Stroke>;

/// The ways to write `digit`. REQUIRES: digit < 10. Thread-safe.
std::span<const Glyph> GlyphsOf(unsigned digit);

}  // namespace muster
