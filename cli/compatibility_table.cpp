#include "cli/compatibility_table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "cli/text.h"
#include "model/job_words.h"

namespace muster::cli {
namespace {

/// A combination as places in the lists of words. The order decides what is told apart last: how
/// updates are accepted first of all, modes not before all else.
enum Dimension : std::size_t { kAccept, kSelectFrom, kAccess, kStrategy, kMode, kDimensions };
using Cell = std::array<std::size_t, kDimensions>;
using CellBox = std::array<std::vector<std::size_t>, kDimensions>;

template <typename T>
std::vector<T> Values() {
  std::vector<T> values;
  for (const auto& [word, value] : JobWords<T>()) values.push_back(value);
  return values;
}
/// What `by-mode` stands for is one of the others.
template <>
std::vector<Accept> Values() {
  return {Accept::durable, Accept::memory};
}

template <typename T>
std::size_t PlaceOf(T value) {
  const std::vector<T> values = Values<T>();
  return static_cast<std::size_t>(std::ranges::find(values, value) - values.begin());
}

Cell CellOf(const Combination& combination) {
  Cell cell;
  cell[kAccept] = PlaceOf(combination.accept);
  cell[kSelectFrom] = PlaceOf(combination.select_from);
  cell[kAccess] = PlaceOf(combination.access);
  cell[kStrategy] = PlaceOf(combination.strategy);
  cell[kMode] = PlaceOf(combination.mode);
  return cell;
}

std::vector<Cell> CellsOf(const CellBox& box) {
  std::vector<Cell> cells = {Cell{}};
  for (std::size_t dimension = 0; dimension < kDimensions; ++dimension) {
    std::vector<Cell> wider;
    for (const Cell& cell : cells) {
      for (const std::size_t place : box[dimension]) {
        wider.push_back(cell);
        wider.back()[dimension] = place;
      }
    }
    cells = std::move(wider);
  }
  return cells;
}

constexpr std::size_t kValuesMax = 16;

/// The largest box around `cell` that lies in `left`, grown a dimension after the other.
CellBox Grow(const Cell& cell, const std::set<Cell>& left) {
  CellBox box;
  for (std::size_t dimension = 0; dimension < kDimensions; ++dimension) {
    box[dimension] = {cell[dimension]};
  }
  for (std::size_t dimension = 0; dimension < kDimensions; ++dimension) {
    for (std::size_t place = 0; place < kValuesMax; ++place) {
      if (place == cell[dimension]) continue;
      CellBox slice = box;
      slice[dimension] = {place};
      const auto free = [&left](const Cell& one) { return left.contains(one); };
      if (std::ranges::all_of(CellsOf(slice), free)) box[dimension].push_back(place);
    }
    std::ranges::sort(box[dimension]);
  }
  return box;
}

template <typename T>
std::vector<T> Chosen(const std::vector<std::size_t>& places) {
  const std::vector<T> values = Values<T>();
  std::vector<T> chosen;
  for (const std::size_t place : places) chosen.push_back(values[place]);
  return chosen;
}

template <typename T>
std::string Joined(const std::vector<T>& values) {
  std::string text;
  for (const T value : values) text += (text.empty() ? "" : ", ") + std::string(WordOf(value));
  return text;
}

/// "any", "memory", "all but scaffold": whichever is short.
template <typename T>
std::string Listed(const std::vector<T>& values) {
  const std::vector<T> all = Values<T>();
  if (values.size() == all.size()) return "any";
  if (values.size() * 2 <= all.size()) return Joined(values);
  std::vector<T> missing;
  for (const T value : all) {
    if (std::ranges::count(values, value) == 0) missing.push_back(value);
  }
  return "any but " + Joined(missing);
}

std::vector<std::string> RowOf(const CombinationBox& box) {
  return {Listed(box.modes), Listed(box.strategies), Listed(box.accesses), Listed(box.select_from),
          Listed(box.accepts)};
}

/// Returns how many rows it added.
std::size_t AddBoxes(const std::vector<Combination>& combinations, Table& table) {
  const std::vector<CombinationBox> boxes = CoverWithBoxes(combinations);
  for (const CombinationBox& box : boxes) table.Add(RowOf(box));
  return boxes.size();
}

/// The next `count` lines of `text`.
std::string Lines(std::istringstream& text, std::size_t count) {
  std::string lines;
  std::string line;
  for (std::size_t i = 0; i < count && std::getline(text, line); ++i) lines += line + "\n";
  return lines;
}

}  // namespace

std::vector<Combination> AllCombinations() {
  std::vector<Combination> all;
  for (const Mode mode : Values<Mode>()) {
    for (const StrategyKind strategy : Values<StrategyKind>()) {
      for (const DataAccess access : Values<DataAccess>()) {
        for (const SelectFrom select_from : Values<SelectFrom>()) {
          for (const Accept accept : Values<Accept>()) {
            all.push_back({mode, strategy, accept, access, select_from});
          }
        }
      }
    }
  }
  return all;
}

std::vector<CombinationBox> CoverWithBoxes(const std::vector<Combination>& cells) {
  std::set<Cell> left;
  for (const Combination& combination : cells) left.insert(CellOf(combination));
  std::vector<CombinationBox> boxes;
  for (const Combination& combination : cells) {
    const Cell cell = CellOf(combination);
    if (!left.contains(cell)) continue;
    const CellBox box = Grow(cell, left);
    for (const Cell& covered : CellsOf(box)) left.erase(covered);
    boxes.push_back({Chosen<Mode>(box[kMode]), Chosen<StrategyKind>(box[kStrategy]),
                     Chosen<DataAccess>(box[kAccess]), Chosen<SelectFrom>(box[kSelectFrom]),
                     Chosen<Accept>(box[kAccept])});
  }
  return boxes;
}

std::string CompatibilityText() {
  std::vector<Combination> supported;
  std::vector<std::pair<Refusal, std::vector<Combination>>>
      refused;  // In the order of the rules met.
  for (const Combination& combination : AllCombinations()) {
    const Refusal refusal = WhyRefused(combination);
    if (!refusal.any()) {
      supported.push_back(combination);
      continue;
    }
    auto known = std::ranges::find_if(refused, [&](const auto& entry) {
      return entry.first.key == refusal.key && entry.first.text == refusal.text;
    });
    if (known == refused.end()) known = refused.insert(known, {refusal, {}});
    known->second.push_back(combination);
  }
  // One table, so that all its lines stand below the same headings; then cut and told in two parts.
  Table table({"round.mode", "strategy.name", "data.access", "round.select_from", "round.accept"});
  const std::size_t goes = AddBoxes(supported, table);
  std::vector<std::size_t> counts;
  for (const auto& [refusal, combinations] : refused) {
    counts.push_back(AddBoxes(combinations, table));
  }
  std::istringstream lines(table.Text());
  std::string text = "What goes together:\n\n" + Lines(lines, 1 + goes);
  if (!refused.empty()) text += "\nWhat is refused when the configuration is loaded, and why:\n";
  for (std::size_t i = 0; i < refused.size(); ++i) {
    const Refusal& refusal = refused[i].first;
    text += "\n" + Lines(lines, counts[i]) + "    " + std::string(refusal.key) + " " +
            std::string(refusal.text) + "\n";
  }
  return text +
         "\nA strategy that this program registered stands under custom. round.accept = "
         "\"by-mode\" is "
         "memory for\nsync-sgd, durable for the others.\n";
}

std::string CompatibilityJson() {
  std::string lines;
  for (const Combination& combination : AllCombinations()) {
    const Refusal refusal = WhyRefused(combination);
    nlohmann::ordered_json object = {{"mode", WordOf(combination.mode)},
                                     {"strategy", WordOf(combination.strategy)},
                                     {"data_access", WordOf(combination.access)},
                                     {"select_from", WordOf(combination.select_from)},
                                     {"accept", WordOf(combination.accept)},
                                     {"supported", !refusal.any()}};
    if (refusal.any()) {
      object["key"] = refusal.key;
      object["reason"] = refusal.text;
    }
    lines += object.dump() + "\n";
  }
  return lines;
}

}  // namespace muster::cli
