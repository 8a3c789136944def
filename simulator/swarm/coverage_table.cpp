#include "simulator/swarm/coverage_table.h"

#include <optional>
#include <string>

namespace muster::simulator {
namespace {

using coordinator::Phase;

/// A cell, or without a fault the whole column.
struct Unreachable {
  std::optional<FaultKind> fault;
  Phase phase;
  std::string_view why;
};

constexpr std::string_view kLastChunk =
    "chunks are sent for a grant, in report: behind it one leaves once in thousands of seeds";

constexpr Unreachable kUnreachable[] = {
    {std::nullopt, Phase::stopped,
     "Stop comes in the same step: at most a crash fits in between, once in thousands of seeds"},
    {FaultKind::snatch, Phase::starting, kLastChunk},
    {FaultKind::snatch, Phase::select, kLastChunk},
    {FaultKind::snatch, Phase::configure, kLastChunk},
    {FaultKind::snatch, Phase::paused, kLastChunk},
};

}  // namespace

std::string_view WhyUnreachable(FaultKind fault, Phase phase) {
  for (const Unreachable& cell : kUnreachable) {
    if (cell.phase == phase && cell.fault.value_or(fault) == fault) return cell.why;
  }
  return "";
}

std::vector<EmptyCell> EmptyCells(const Coverage& coverage, const FixedOptions& fixed) {
  std::vector<EmptyCell> empty;
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    const auto fault = static_cast<FaultKind>(i);
    const auto chance = fixed.find("chance." + std::string(FaultName(fault)));
    if (chance != fixed.end() && chance->second == 0) continue;
    for (int number = 0; number <= static_cast<int>(Phase::stopped); ++number) {
      const auto phase = static_cast<Phase>(number);
      if (WhyUnreachable(fault, phase).empty() && !coverage.contains({fault, phase})) {
        empty.push_back({fault, phase});
      }
    }
  }
  return empty;
}

}  // namespace muster::simulator
