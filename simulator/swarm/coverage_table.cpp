#include "simulator/swarm/coverage_table.h"

#include <array>
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
     "Stop comes in the same step. A crash alone fits in between, in too few seeds to be asked "
     "for"},
    {FaultKind::twin, Phase::starting, "a second one starts beside one that runs"},
    {FaultKind::snatch, Phase::starting, kLastChunk},
    {FaultKind::snatch, Phase::select, kLastChunk},
    {FaultKind::snatch, Phase::configure, kLastChunk},
    {FaultKind::snatch, Phase::paused, kLastChunk},
};

/// What is fixed decides for every seed alike: few show what can happen at all.
constexpr std::uint64_t kSampledSeeds = 500;
/// A fault that fewer can have need not meet every phase.
constexpr std::uint64_t kSampledSeedsLeast = kSampledSeeds / 20;

/// Whether the fault has an occasion in this run, other than by luck.
bool CanHappen(FaultKind fault, const SwarmOptions& options) {
  if (options.per_million.at(static_cast<std::size_t>(fault)) == 0) return false;
  switch (fault) {
    case FaultKind::babble:
    case FaultKind::stale:
    case FaultKind::replay:
    case FaultKind::poison:
    case FaultKind::usurp:
    case FaultKind::flood:
      return options.hostile > 0;
    case FaultKind::stranger:
      return options.strangers > 0;
    case FaultKind::crash:
    case FaultKind::stop:
      return options.deaths_max > 0;
    // Of the coordinator, which the liveness phase spares.
    case FaultKind::split:
    case FaultKind::disk_full:
    case FaultKind::disk_error:
    case FaultKind::rot:
    case FaultKind::enroll:
      return options.safety_rounds > 0 && options.safety_ms > 0;
    case FaultKind::twin:  // DiskVolume::Copy.
      return options.safety_rounds > 0 && options.safety_ms > 0 &&
             options.store == static_cast<std::uint64_t>(Tier::model);
    default:
      return true;
  }
}

/// Which faults enough seeds can have for every cell to be asked for.
std::array<bool, kFaultKinds> Possible(const FixedOptions& fixed) {
  std::array<std::uint64_t, kFaultKinds> seeds{};
  for (std::uint64_t seed = 1; seed <= kSampledSeeds; ++seed) {
    const auto options = DrawOptions(seed, fixed);
    if (!options) continue;
    for (std::size_t i = 0; i < kFaultKinds; ++i) {
      seeds.at(i) += CanHappen(static_cast<FaultKind>(i), *options) ? 1 : 0;
    }
  }
  std::array<bool, kFaultKinds> possible{};
  for (std::size_t i = 0; i < kFaultKinds; ++i) possible.at(i) = seeds.at(i) >= kSampledSeedsLeast;
  return possible;
}

}  // namespace

std::string_view WhyUnreachable(FaultKind fault, Phase phase) {
  for (const Unreachable& cell : kUnreachable) {
    if (cell.phase == phase && cell.fault.value_or(fault) == fault) return cell.why;
  }
  return "";
}

std::vector<EmptyCell> EmptyCells(const Coverage& coverage, const FixedOptions& fixed) {
  std::vector<EmptyCell> empty;
  const std::array<bool, kFaultKinds> possible = Possible(fixed);
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    const auto fault = static_cast<FaultKind>(i);
    if (!possible.at(i)) continue;
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
