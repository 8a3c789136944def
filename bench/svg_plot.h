// Curves as a picture that a browser shows, for pages of docs/.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace muster::bench {

struct SvgCurve {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< x ascending.
};

struct SvgAxes {
  std::string title, x_name, y_name;
  double x_least = 0, x_most = 1, x_step = 0.1;
  double y_least = 0, y_most = 1, y_step = 0.1;
  double y_mark = 0;  ///< A dashed line across at this height.
};

/// What lies outside of the axes is cut off. Each curve has a colour that the colour-blind can tell
/// from the others; after eight of them the colours come again, dashed. Names hold no character
/// that XML would take for its own.
std::string RenderSvg(const SvgAxes& axes, const std::vector<SvgCurve>& curves);

}  // namespace muster::bench
