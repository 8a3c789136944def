#include "cli/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace muster::cli {
namespace {

/// The mean y of the points that fall in each column.
std::vector<std::optional<double>> Columns(const std::vector<std::pair<double, double>>& points,
                                           std::size_t columns) {
  const double first = points.front().first;
  const double width = points.back().first - first;
  std::vector<double> sums(columns, 0);
  std::vector<std::size_t> counts(columns, 0);
  for (const auto& [x, y] : points) {
    const double share = width > 0 ? (x - first) / width : 0;
    const auto column =
        static_cast<std::size_t>(std::lround(share * static_cast<double>(columns - 1)));
    sums[column] += y;
    ++counts[column];
  }
  std::vector<std::optional<double>> means(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    if (counts[i] > 0) means[i] = sums[i] / static_cast<double>(counts[i]);
  }
  return means;
}

}  // namespace

std::string RenderPlot(const std::vector<std::pair<double, double>>& points,
                       const std::string& title, PlotSize size) {
  if (points.empty() || size.columns < 2 || size.rows < 2) return "";
  const auto by_y = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto [lowest, highest] = std::minmax_element(points.begin(), points.end(), by_y);
  const double low = lowest->second;
  const double range = std::max(highest->second - low, 1e-9);
  std::vector<std::string> grid(size.rows, std::string(size.columns, ' '));
  const auto means = Columns(points, size.columns);
  for (std::size_t column = 0; column < size.columns; ++column) {
    if (!means[column]) continue;
    const double share = (*means[column] - low) / range;
    const auto height =
        static_cast<std::size_t>(std::lround(share * static_cast<double>(size.rows - 1)));
    grid[size.rows - 1 - height][column] = '*';
  }
  std::string text = title + "\n";
  for (std::size_t row = 0; row < size.rows; ++row) {
    const double share = 1 - static_cast<double>(row) / static_cast<double>(size.rows - 1);
    grid[row].erase(grid[row].find_last_not_of(' ') + 1);
    text += fmt::format("{:>8.3f} |{}\n", low + share * range, grid[row]);
  }
  const std::string first = fmt::format("{:g}", points.front().first);
  const std::string last = fmt::format("{:g}", points.back().first);
  text += fmt::format("{:>8} +{}\n", "", std::string(size.columns, '-'));
  text += fmt::format("{:>9} {}{:>{}}\n", "", first, last, size.columns - first.size());
  return text;
}

}  // namespace muster::cli
