// A curve as text.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace muster::cli {

struct PlotSize {
  std::size_t columns = 60;
  std::size_t rows = 15;
};

/// `points` as (x, y) with x ascending: a grid of `size` with the y axis labelled at its left and
/// the first and last x below. Several points of one column show their mean. Empty without points.
std::string RenderPlot(const std::vector<std::pair<double, double>>& points,
                       const std::string& title, PlotSize size);

}  // namespace muster::cli
