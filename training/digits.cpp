#include "training/digits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "common/random.h"
#include "training/glyphs.h"

namespace muster {

namespace {

constexpr float kSide = static_cast<float>(kImageSide);

// How differently one digit may look. Tuned so that a linear model cannot cope and a small
// perceptron can: tests/training/central_test.cpp holds the two to their distance.
constexpr float kShake = 0.035F;       // Of the unit square, each point on its own.
constexpr float kBend = 0.1F;          // Of the unit square, smoothly over the digit.
constexpr float kHalfTurnMax = 0.12F;  // tan(angle / 2): about 14 degrees.
constexpr float kSlantMax = 0.25F;
constexpr float kHeightMin = 15.0F;  // In pixels.
constexpr float kHeightMax = 21.0F;
constexpr float kAspectMin = 0.6F;  // Width by height.
constexpr float kAspectMax = 0.95F;
constexpr float kShiftMax = 2.25F;     // In pixels.
constexpr float kPenRadiusMin = 0.6F;  // In pixels.
constexpr float kPenRadiusMax = 1.6F;
constexpr float kPenEdge = 1.0F;  // Pixels over which ink fades into paper.
constexpr float kInkMin = 0.6F;
constexpr float kStrayInkMax = 0.5F;
constexpr std::uint64_t kStrayOneIn = 3;
constexpr float kNoise = 0.12F;  // Half the width of its triangular distribution.
constexpr std::size_t kSplineSteps = 4;

// A coarse grid of random shifts, read smoothly in between (Simard, Steinkraus and Platt 2003
// distort the pixels so; here the pen's path is bent, which is cheaper and stays sharp).
class BendingField {
 public:
  explicit BendingField(KeyedStream& stream) {
    for (Point& shift : shifts_) {
      shift = {stream.Uniform(-kBend, kBend), stream.Uniform(-kBend, kBend)};
    }
  }

  Point At(Point point) const {
    const Cell x = CellOf(point.x);
    const Cell y = CellOf(point.y);
    const Point top =
        Mix(shifts_[y.index * kNodes + x.index], shifts_[y.index * kNodes + x.index + 1], x.share);
    const Point bottom = Mix(shifts_[(y.index + 1) * kNodes + x.index],
                             shifts_[(y.index + 1) * kNodes + x.index + 1], x.share);
    return Mix(top, bottom, y.share);
  }

 private:
  static constexpr std::size_t kNodes = 4;
  struct Cell {
    std::size_t index;
    float share;
  };

  static Cell CellOf(float coordinate) {
    const float scaled = std::clamp(coordinate, 0.0F, 1.0F) * (kNodes - 1);
    const std::size_t index = std::min<std::size_t>(static_cast<std::size_t>(scaled), kNodes - 2);
    const float share = scaled - static_cast<float>(index);
    return {index, share * share * (3.0F - 2.0F * share)};
  }
  static Point Mix(Point a, Point b, float share) {
    return {a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share};
  }

  std::array<Point, kNodes * kNodes> shifts_;
};

// Turn, slant, size and place: from the unit square to pixels.
class Placement {
 public:
  explicit Placement(KeyedStream& stream) {
    const float half_turn = stream.Uniform(-kHalfTurnMax, kHalfTurnMax);
    const float norm = 1.0F + half_turn * half_turn;
    const float cosine = (1.0F - half_turn * half_turn) / norm;
    const float sine = 2.0F * half_turn / norm;
    const float slant = stream.Uniform(-kSlantMax, kSlantMax);
    const float height = stream.Uniform(kHeightMin, kHeightMax);
    const float width = height * stream.Uniform(kAspectMin, kAspectMax);
    xx_ = cosine * width;
    xy_ = (cosine * slant - sine) * height;
    yx_ = sine * width;
    yy_ = (sine * slant + cosine) * height;
    center_ = {kSide / 2 + stream.Uniform(-kShiftMax, kShiftMax),
               kSide / 2 + stream.Uniform(-kShiftMax, kShiftMax)};
  }

  Point At(Point point) const {
    const float x = point.x - 0.5F;
    const float y = point.y - 0.5F;
    return {center_.x + xx_ * x + xy_ * y, center_.y + yx_ * x + yy_ * y};
  }

 private:
  float xx_ = 0;
  float xy_ = 0;
  float yx_ = 0;
  float yy_ = 0;
  Point center_;
};

// The squared distance of each pixel's middle to the pen's path, as far as the pen reaches.
class Path {
 public:
  explicit Path(float reach) : reach_(reach) { squares_.fill(reach * reach); }

  void Segment(Point from, Point to) {
    const Range columns = RangeOf(std::min(from.x, to.x), std::max(from.x, to.x));
    const Range rows = RangeOf(std::min(from.y, to.y), std::max(from.y, to.y));
    const float along_x = to.x - from.x;
    const float along_y = to.y - from.y;
    const float length = along_x * along_x + along_y * along_y;
    const float inverse = length > 0.0F ? 1.0F / length : 0.0F;
    for (int row = rows.begin; row < rows.end; ++row) {
      const float y = static_cast<float>(row) + 0.5F - from.y;
      float* const line = squares_.data() + row * static_cast<int>(kImageSide);
      for (int column = columns.begin; column < columns.end; ++column) {
        const float x = static_cast<float>(column) + 0.5F - from.x;
        const float share = std::clamp((x * along_x + y * along_y) * inverse, 0.0F, 1.0F);
        const float off_x = x - share * along_x;
        const float off_y = y - share * along_y;
        line[column] = std::min(line[column], off_x * off_x + off_y * off_y);
      }
    }
  }

  void Lines(std::span<const Point> points) {
    for (std::size_t i = 0; i + 1 < points.size(); ++i) Segment(points[i], points[i + 1]);
  }

  // Catmull-Rom through the points; the ends are doubled.
  void Spline(std::span<const Point> points) {
    const auto at = [&](std::size_t i, int step) {
      const auto last = static_cast<std::ptrdiff_t>(points.size()) - 1;
      const std::ptrdiff_t wanted = static_cast<std::ptrdiff_t>(i) + step;
      return points[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(wanted, 0, last))];
    };
    const auto blend = [](float a, float b, float c, float d, float t) {
      return 0.5F * (2.0F * b + (c - a) * t + (2.0F * a - 5.0F * b + 4.0F * c - d) * t * t +
                     (3.0F * b - a - 3.0F * c + d) * t * t * t);
    };
    Point from = points.front();
    for (std::size_t i = 0; i + 1 < points.size(); ++i) {
      const Point a = at(i, -1);
      const Point b = at(i, 0);
      const Point c = at(i, 1);
      const Point d = at(i, 2);
      for (std::size_t step = 1; step <= kSplineSteps; ++step) {
        const float t = static_cast<float>(step) / kSplineSteps;
        const Point to = {blend(a.x, b.x, c.x, d.x, t), blend(a.y, b.y, c.y, d.y, t)};
        Segment(from, to);
        from = to;
      }
    }
  }

  // 1 under the pen, falling to 0 over its edge.
  float Cover(std::size_t pixel) const {
    if (squares_[pixel] >= reach_ * reach_) return 0.0F;
    return std::min(1.0F, (reach_ - std::sqrt(squares_[pixel])) / kPenEdge);
  }

 private:
  struct Range {
    int begin;
    int end;
  };
  Range RangeOf(float low, float high) const {
    const float begin = std::clamp(low - reach_, 0.0F, kSide);
    const float end = std::clamp(high + reach_ + 1.0F, 0.0F, kSide);
    return {static_cast<int>(begin), static_cast<int>(end)};
  }

  float reach_;
  std::array<float, kImageBytes> squares_;
};

Path DrawGlyph(const Glyph& glyph, KeyedStream& stream) {
  const BendingField field(stream);
  const Placement placement(stream);
  Path path(stream.Uniform(kPenRadiusMin, kPenRadiusMax) + kPenEdge / 2);
  std::vector<Point> points;
  for (const Stroke& stroke : glyph) {
    points.clear();
    for (const Point& point : stroke.points) {
      const Point bend = field.At(point);
      points.push_back(placement.At({point.x + bend.x + stream.Uniform(-kShake, kShake),
                                     point.y + bend.y + stream.Uniform(-kShake, kShake)}));
    }
    if (stroke.curved) {
      path.Spline(points);
    } else {
      path.Lines(points);
    }
  }
  return path;
}

// A short stroke that belongs to no digit, somewhere.
Path DrawStray(KeyedStream& stream) {
  Path path(kPenRadiusMin + kPenEdge / 2);
  const Point from = {stream.Uniform(0.0F, kSide), stream.Uniform(0.0F, kSide)};
  const Point to = {from.x + stream.Uniform(-8.0F, 8.0F), from.y + stream.Uniform(-8.0F, 8.0F)};
  path.Segment(from, to);
  return path;
}

}  // namespace

void DrawDigit(std::uint64_t seed, Split split, std::uint64_t index,
               std::span<std::uint8_t, kImageBytes> pixels) {
  KeyedStream stream(seed, "digits", {static_cast<std::uint64_t>(split), index});
  const std::span<const Glyph> glyphs = GlyphsOf(DigitLabel(index));
  const Path digit = DrawGlyph(glyphs[stream.Below(glyphs.size())], stream);
  const float ink = stream.Uniform(kInkMin, 1.0F);
  const float stray_ink = stream.Below(kStrayOneIn) == 0 ? kStrayInkMax * ink : 0.0F;
  const Path stray = DrawStray(stream);
  std::uint64_t bits = 0;
  for (std::size_t pixel = 0; pixel < kImageBytes; ++pixel) {
    if (pixel % 4 == 0) bits = stream.Next();
    // The sum of two uniform bytes: a triangular distribution around 255.
    const auto sum = static_cast<int>((bits & 0xff) + ((bits >> 8) & 0xff));
    bits >>= 16;
    const float noise = static_cast<float>(sum - 255) * (kNoise / 255.0F);
    const float value = std::max(ink * digit.Cover(pixel), stray_ink * stray.Cover(pixel)) + noise;
    pixels[pixel] = static_cast<std::uint8_t>(std::clamp(value, 0.0F, 1.0F) * 255.0F + 0.5F);
  }
}

}  // namespace muster
