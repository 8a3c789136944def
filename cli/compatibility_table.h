// The compatibility matrix for people: model/compatibility.h told as few lines of boxes, and for
// programs: one line a combination.
#pragma once

#include <string>
#include <vector>

#include "model/compatibility.h"

namespace muster::cli {

/// Every combination, the last dimension running fastest.
std::vector<Combination> AllCombinations();

/// All combinations of the listed values; no list is empty.
struct CombinationBox {
  std::vector<Mode> modes;
  std::vector<StrategyKind> strategies;
  std::vector<DataAccess> accesses;
  std::vector<SelectFrom> select_from;
  std::vector<Accept> accepts;
};

/// Boxes that together hold each of `cells` exactly once and nothing else, each as large as it can
/// be made from what those before it left.
std::vector<CombinationBox> CoverWithBoxes(const std::vector<Combination>& cells);

/// What goes together, and below it what does not, each with its key and reason.
std::string CompatibilityText();

/// A JSON object a line for each combination: mode, strategy, data_access, select_from, accept,
/// supported, and of those that are refused key and reason.
std::string CompatibilityJson();

}  // namespace muster::cli
