#include "bench/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace muster::bench {
namespace {

constexpr double kWidth = 960, kHeight = 520;
constexpr double kLeft = 70, kTop = 45, kRight = 310, kBottom = 55;
constexpr double kLegendStep = 22;
/// Okabe and Ito 2008, "Color Universal Design".
constexpr std::array kColours = {"#000000", "#0072b2", "#56b4e9", "#d55e00",
                                 "#e69f00", "#009e73", "#cc79a7", "#8a7f00"};

class Frame {
 public:
  explicit Frame(const SvgAxes& axes) : axes_(axes) {}

  double X(double x) const {
    return kLeft + (x - axes_.x_least) / (axes_.x_most - axes_.x_least) * (kRightEdge - kLeft);
  }
  double Y(double y) const {
    return kBottomEdge -
           (y - axes_.y_least) / (axes_.y_most - axes_.y_least) * (kBottomEdge - kTop);
  }

  std::string Grid() const {
    std::string text;
    for (int i = 0; axes_.x_least + i * axes_.x_step <= axes_.x_most + axes_.x_step / 2; ++i) {
      const double x = axes_.x_least + i * axes_.x_step;
      text += Line(X(x), kTop, X(x), kBottomEdge, "stroke=\"#dddddd\"");
      text += Text(X(x), kBottomEdge + 18, "middle", fmt::format("{:g}", x));
    }
    for (int i = 0; axes_.y_least + i * axes_.y_step <= axes_.y_most + axes_.y_step / 2; ++i) {
      const double y = axes_.y_least + i * axes_.y_step;
      text += Line(kLeft, Y(y), kRightEdge, Y(y), "stroke=\"#dddddd\"");
      text += Text(kLeft - 8, Y(y) + 4, "end", fmt::format("{:g}", y));
    }
    text += Line(kLeft, Y(axes_.y_mark), kRightEdge, Y(axes_.y_mark),
                 "stroke=\"#666666\" stroke-dasharray=\"6 4\"");
    text += Text((kLeft + kRightEdge) / 2, kBottomEdge + 42, "middle", axes_.x_name);
    text += fmt::format(
        "<text x=\"{0:.1f}\" y=\"{1:.1f}\" text-anchor=\"middle\" "
        "transform=\"rotate(-90 {0:.1f} {1:.1f})\">{2}</text>\n",
        18.0, (kTop + kBottomEdge) / 2, axes_.y_name);
    return text + Text(kLeft, kTop - 18, "start", axes_.title);
  }

  std::string Curve(const SvgCurve& curve, std::size_t index) const {
    std::string points;
    for (const auto& [x, y] : curve.points) points += fmt::format("{:.1f},{:.1f} ", X(x), Y(y));
    if (!points.empty()) points.pop_back();
    const std::string style =
        fmt::format("stroke=\"{}\" stroke-width=\"2\"{}", kColours[index % kColours.size()],
                    index < kColours.size() ? "" : " stroke-dasharray=\"4 3\"");
    const double y = kTop + 10 + kLegendStep * static_cast<double>(index);
    return fmt::format("<polyline clip-path=\"url(#plot)\" fill=\"none\" {} points=\"{}\"/>\n",
                       style, points) +
           Line(kRightEdge + 14, y, kRightEdge + 38, y, style) +
           Text(kRightEdge + 44, y + 4, "start", curve.name);
  }

  static constexpr double kRightEdge = kWidth - kRight, kBottomEdge = kHeight - kBottom;

 private:
  static std::string Line(double x1, double y1, double x2, double y2, const std::string& style) {
    return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1,
                       y1, x2, y2, style);
  }
  static std::string Text(double x, double y, const char* anchor, const std::string& text) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y,
                       anchor, text);
  }

  const SvgAxes& axes_;
};

}  // namespace

std::string RenderSvg(const SvgAxes& axes, const std::vector<SvgCurve>& curves) {
  const Frame frame(axes);
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:g} {:g}\" "
      "font-family=\"sans-serif\" font-size=\"13\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
      "<clipPath id=\"plot\"><rect x=\"{:g}\" y=\"{:g}\" width=\"{:g}\" height=\"{:g}\"/>"
      "</clipPath>\n",
      kWidth, kHeight, kLeft, kTop, Frame::kRightEdge - kLeft, Frame::kBottomEdge - kTop);
  text += frame.Grid();
  for (std::size_t i = 0; i < curves.size(); ++i) text += frame.Curve(curves[i], i);
  return text + "</svg>\n";
}

}  // namespace muster::bench
