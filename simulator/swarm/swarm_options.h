// What one seed of the swarm is: every option of a simulated federation, drawn (Groce et al. 2012,
// "Swarm Testing": runs that leave some features out find more than runs that have all of them).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"
#include "simulator/federation/coordinator_node.h"
#include "simulator/world/world.h"

namespace muster::simulator {

/// What the coordinator's state lies on.
enum class Tier : std::uint64_t { model, rocksdb };

inline constexpr std::uint64_t kParticipantsLeast = 2;
inline constexpr std::uint64_t kParticipantsMost = 50;
inline constexpr std::uint64_t kStrangersMost = 8;
inline constexpr std::uint64_t kMillion = 1'000'000;

/// What `strategy` chooses from: append only. Kinds without momentum leave `momentum` unused; those
/// that correct local steps go with local steps of SGD alone, and SCAFFOLD with durable accepts.
inline constexpr std::array kSwarmStrategies = {
    StrategyKind::fedavg,   StrategyKind::fedadagrad, StrategyKind::fedadam, StrategyKind::fedyogi,
    StrategyKind::nesterov, StrategyKind::fedprox,    StrategyKind::fednova, StrategyKind::scaffold,
};

/// All numbers, so that a schedule file, a configuration and the shrinker can treat them alike.
/// swarm_keys.cpp holds their names, ranges and words.
struct SwarmOptions {
  std::uint64_t seed = 1;   ///< Of the world's draws, the job and the liveness phase's core.
  std::uint64_t store = 0;  ///< A Tier.
  // --- Who and what --------------------------------------------------------------------------
  std::uint64_t participants = 4;
  std::uint64_t parts = 4;
  std::uint64_t goal = 4;
  std::uint64_t quorum = 3;
  std::uint64_t over_select = 100;  ///< Percent.
  std::uint64_t select_from = 0;    ///< enrolled, present.
  std::uint64_t weights = 0;        ///< examples, uniform.
  std::uint64_t momentum = 0;       ///< Percent.
  std::uint64_t strategy = 0;       ///< Which of kSwarmStrategies.
  std::uint64_t parameters = 100;
  // --- How long ------------------------------------------------------------------------------
  std::uint64_t rounds = 12;
  std::uint64_t safety_rounds = 8;   ///< The safety phase ends after so many commits
  std::uint64_t safety_ms = 60'000;  ///< or at this time.
  std::uint64_t deadline_ms = 10'000;
  std::uint64_t lease_ms = 2'000;
  std::uint64_t attempts_max = 0;
  std::uint64_t keep_last = 10;
  std::uint64_t keep_every = 0;
  std::uint64_t evaluate = 0;      ///< off, on.
  std::uint64_t target = 0;        ///< Percent of accuracy; 0: none.
  std::uint64_t prepare_ms = 4;    ///< A spool's room takes so long at most.
  std::uint64_t upkeep_every = 0;  ///< The database is flushed and merged after so many commits.
  std::uint64_t client_state = 0;  ///< off, on: trainers keep state between updates that count.
  // --- What goes wrong -----------------------------------------------------------------------
  std::uint64_t stalled = 0;     ///< Of the first so many no update gets through.
  std::uint64_t hostile = 0;     ///< So many behind them mean harm.
  std::uint64_t strangers = 0;   ///< Knock without being enrolled.
  std::uint64_t deaths_max = 0;  ///< Of each process.
  // --- Later options -------------------------------------------------------------------------
  std::uint64_t deadline_k = 0;  ///< Tenths: the deadline is adaptive; 0: it is fixed.
  std::array<std::uint64_t, kFaultKinds> per_million{};  ///< The chance of each kind.
  // --- How it takes part ----------------------------------------------------------------------
  std::uint64_t mode = 0;            ///< fedavg, sync-sgd, async.
  std::uint64_t accept = 0;          ///< by_mode, durable, memory.
  std::uint64_t memory_updates = 0;  ///< So many updates fit in memory; 0: as many as are of use.
  std::uint64_t blocks = 0;          ///< Of an epoch of elastic data; 0: data is private.
  std::uint64_t late = 0;            ///< refuse, fold.
  std::uint64_t staleness = 0;       ///< async, fold: constant, polynomial, hinge.
  std::uint64_t staleness_max = 20;  ///< async; fold: at least 1.
  std::uint64_t concurrency = 0;     ///< async: the most tasks under way; 0: no limit.

  bool operator==(const SwarmOptions&) const = default;
};

/// What is given instead of drawn, by name.
using FixedOptions = std::map<std::string, std::uint64_t>;

/// Everything that `fixed` leaves open is drawn by the seed, each from a stream of its own: a new
/// option moves no other. Errors: config_invalid (what is fixed fits no job).
Result<SwarmOptions> DrawOptions(std::uint64_t seed, const FixedOptions& fixed);

/// Errors: config_invalid, naming the option.
Status CheckOptions(const SwarmOptions& options);

/// Those who can deliver at all: they have a part of the data, do not stall and mean no harm.
std::vector<RosterIndex> AbleParticipants(const SwarmOptions& options);

/// REQUIRES of both: CheckOptions passes.
CoordinatorSetup SetupOf(const SwarmOptions& options, const std::string& state_dir);
Faults FaultsOf(const SwarmOptions& options);

}  // namespace muster::simulator
