// One seed of the swarm, from its options to its verdict: a safety phase in which everything may
// go wrong, then a liveness phase in which a healthy core must commit round after round, each
// within a budget of virtual time, while everything else stays as broken as it was.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/core/status.h"
#include "participant/core/core.h"
#include "simulator/swarm/swarm_options.h"
#include "simulator/world/trace.h"

namespace muster::simulator {

class Federation;

/// How a run ended, the worse the higher.
enum class Ending : std::uint8_t {
  clean,
  uncovered,         ///< Of a whole swarm: a reachable cell of the fault x phase table is empty,
                     ///< or a checker never looked.
  nondeterministic,  ///< Two runs of one seed had different hashes.
  liveness,          ///< The healthy core did not commit or finish within its budget.
  correctness,       ///< A promise was broken.
  crash,             ///< The process ended: MUSTER_CHECK, a signal.
};
std::string_view EndingName(Ending ending);

/// What `muster simulate` exits with; beside common/exit_codes.h, which has 1 and 2. Never
/// renumber.
constexpr int ExitCodeOf(Ending ending) {
  constexpr std::array kCodes = {0, 24, 23, 21, 22, 20};
  return kCodes.at(static_cast<std::size_t>(ending));
}

/// Which states a run was in, counted at a share of the steps.
struct StatesEntered {
  std::map<std::pair<coordinator::Phase, coordinator::WaitKind>, std::uint64_t> coordinator;
  std::map<participant::Activity, std::uint64_t> participants;
  bool operator==(const StatesEntered&) const = default;
};

/// How often each checker compared anything, by its name.
using LooksOf = std::map<std::string_view, std::uint64_t>;

struct SeedOutcome {
  Ending ending = Ending::clean;
  /// What is wrong, in one line: the broken promise, who waits for what; empty if it is clean.
  std::string what;
  bool damaged = false;  ///< It ended for damage by a flipped bit, which is a good end.
  std::uint64_t hash = 0;
  std::uint64_t commits = 0;
  std::uint64_t events = 0;
  Micros simulated = 0;
  std::vector<Fault> faults;  ///< That happened: as a list they give the same run.
  Coverage coverage;
  StatesEntered states;
  LooksOf looks;
  std::vector<StoryLine> story;
  std::vector<RosterIndex> core;  ///< Healthy in the liveness phase; empty: it did not begin.
  /// The greatest part of its budget that a step of the liveness phase took, in thousandths; none:
  /// it did not begin.
  std::optional<std::uint64_t> budget_used_permille;
  bool operator==(const SeedOutcome&) const = default;
};

/// The part of `what` that runs with the same failure share: the checker's name, or the sentence
/// without its numbers.
std::string FailureName(const SeedOutcome& outcome);

inline constexpr std::uint64_t kEventsMost = 20'000'000;

struct SeedRun {
  SwarmOptions options;
  /// Exactly these faults; none: drawn with the options' chances.
  std::optional<std::vector<Fault>> faults;
  /// Of Tier::rocksdb: where its lock file may lie. One run at a time.
  std::string state_dir;
  bool tell_story = false;
  /// Without a commit among so many events a run goes in circles.
  std::uint64_t events_most = kEventsMost;
  /// Called once, when the liveness phase begins: tests break there what no fault may break.
  std::function<void(Federation&, const std::vector<RosterIndex>& core)> at_liveness = {};
  /// Gets each line of the story as it is told, with `tell_story`; empty: they are in the outcome.
  std::function<void(const StoryLine&)> on_story = {};
};

/// Runs in the calling thread alone; several threads may run seeds at once. Equal runs have equal
/// outcomes. A crash ends the process, see crash_guard.h. REQUIRES: CheckOptions passes.
SeedOutcome RunSeed(const SeedRun& run);

}  // namespace muster::simulator
