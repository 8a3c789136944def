// Many seeds in several processes, and what they met altogether.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/swarm/coverage_table.h"
#include "simulator/swarm/seed_run.h"

namespace muster::simulator {

struct SwarmPlan {
  std::uint64_t first = 1, last = 1;  ///< Both are run.
  FixedOptions fixed;
  unsigned jobs = 1;               ///< Child processes.
  std::uint64_t twice_every = 64;  ///< Of so many seeds one runs twice, and the first. 0: none.
  std::string directory;           ///< For Tier::rocksdb: exists; each process has its own below.
  /// Asked before each seed: from true on no seed begins. May be empty.
  std::function<bool()> stopped = {};
  /// Runs one, in a child process.
  std::function<SeedOutcome(const SeedRun&)> play = RunSeed;
};

struct FailedSeed {
  std::uint64_t seed = 0;
  Ending ending = Ending::clean;
  std::string what;
};

struct SwarmTotals {
  std::uint64_t seeds = 0;  ///< Run so far.
  std::uint64_t commits = 0, faults = 0, events = 0;
  std::uint64_t twice = 0;    ///< Seeds that were run twice.
  std::uint64_t damaged = 0;  ///< Seeds that ended for damage.
  std::uint64_t median_commits = 0, median_faults = 0, median_events = 0;
  double simulated_s = 0, elapsed_s = 0;
  std::uint64_t hash = 0;  ///< Of all seeds' hashes, in whatever order they ran.
};

/// Which part of its budget the longest step of each liveness phase took, in thousandths.
struct BudgetUse {
  std::uint64_t phases = 0;  ///< Seeds that reached one. 0: the others mean nothing.
  std::uint64_t median = 0, of_999_in_1000 = 0, most = 0;
  std::uint64_t seed_of_most = 0;
};

struct SwarmReport {
  SwarmTotals totals;
  std::vector<FailedSeed> failures;  ///< Ascending by seed; with kFailuresMost the swarm stops.
  Coverage coverage;
  StatesEntered states;
  LooksOf looks;
  BudgetUse budget;
  std::vector<EmptyCell> empty;  ///< Reachable cells that stayed empty.
  bool stopped_early = false;    ///< After kFailuresMost failures.
  /// Where the swarm stopped before the last seed: the first that was not run. All before it were
  /// run or skipped.
  std::optional<std::uint64_t> next;
  /// Seeds whose other options do not fit what is fixed were not run; the first of them.
  std::uint64_t skipped = 0;
  std::optional<FailedSeed> unfit;

  /// The checkers that never looked.
  std::vector<std::string_view> Idle() const;
  /// The worst of all. An empty cell and an idle checker count from kSeedsForCoverage seeds on.
  Ending Worst() const;
};

inline constexpr std::size_t kFailuresMost = 20;
inline constexpr std::uint64_t kSeedsForCoverage = 10'000;
/// After so many seeds that do not fit what is fixed, and none that does, no more are tried.
inline constexpr std::uint64_t kUnfitMost = 10'000;

/// A seed that ends its process, or needs kStepCpuMost for one step, is a failure like any other;
/// the swarm goes on. `on_progress` is called about once a second; it may be empty. REQUIRES: one
/// thread, in which no real store was opened.
/// Errors: config_invalid (what is fixed fits no seed, or none of the first kUnfitMost).
Result<SwarmReport> RunSwarm(const SwarmPlan& plan,
                             const std::function<void(const SwarmTotals&)>& on_progress);

}  // namespace muster::simulator
