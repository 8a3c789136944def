// Makes a failing run small: fewer faults by delta debugging, then a smaller federation.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "simulator/swarm/schedule_file.h"
#include "simulator/swarm/seed_run.h"

namespace muster::simulator {

/// A 1-minimal part of `all` that still fails: without any single one of its elements it does not.
/// The algorithm ddmin of Zeller and Hildebrandt 2002, "Simplifying and Isolating Failure-Inducing
/// Input", section 3. `fails` is called with parts of `all` in their order. From the moment on that
/// `stopped`, which may be empty, says true, nothing is tried any more: what is left fails, but may
/// not be minimal. REQUIRES: fails(all).
std::vector<Fault> MinimizeFaults(std::vector<Fault> all,
                                  const std::function<bool(const std::vector<Fault>&)>& fails,
                                  const std::function<bool()>& stopped = {});

/// So many runs at most: what is left then may get smaller.
inline constexpr std::uint64_t kShrinkRunsMost = 10'000;

struct ShrinkProgress {
  std::uint64_t runs = 0;
  std::size_t faults = 0;  ///< Of the smallest run so far that fails alike.
  std::uint64_t participants = 0;
  std::uint64_t rounds = 0;
};

struct Shrunk {
  ScheduleFile schedule;
  SeedOutcome outcome;  ///< Of that schedule.
  std::uint64_t runs = 0;
  bool stopped = false;  ///< Before all was tried, after kShrinkRunsMost, too: it may get smaller.
};

/// The smallest run found that fails as `failed`, which is the outcome of `run` and not clean: with
/// the same ending and the same checker's complaint (FailureName). Never more than it was given.
/// `play` runs one: RunSeedInChild. `stopped`, which may be empty, is asked before each run: from
/// true on none begins, and the smallest so far is the answer.
Shrunk Shrink(const SeedRun& run, const SeedOutcome& failed,
              const std::function<SeedOutcome(const SeedRun&)>& play,
              const std::function<void(const ShrinkProgress&)>& on_progress,
              const std::function<bool()>& stopped = {});

}  // namespace muster::simulator
