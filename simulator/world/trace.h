// What happened in a run, for whoever looks at it afterwards: a rolling hash that two equal runs
// share, counts, and the story in sentences.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "coordinator/core/status.h"
#include "simulator/world/fault.h"

namespace muster::simulator {

/// Microseconds of virtual time.
using Micros = std::int64_t;
inline constexpr Micros kMillisecond = 1'000;

/// How often each fault that took effect met the coordinator in each phase; a dead coordinator is
/// `starting`.
using Coverage = std::map<std::pair<FaultKind, coordinator::Phase>, std::uint64_t>;

struct StoryLine {
  Micros at = 0;
  Actor actor = kCoordinator;
  std::string text;
  bool operator==(const StoryLine&) const = default;
};

/// Counts, so that tests can see that anything did happen.
struct Happened {
  std::uint64_t events = 0;  ///< Taken from the queue.
  std::uint64_t messages = 0, duplicates = 0, losses = 0, cuts = 0;
  std::uint64_t coordinator_crashes = 0, participant_crashes = 0, stops = 0;
  std::uint64_t preemptions = 0, machines_lost = 0, fresh_directories = 0;
  std::uint64_t pauses = 0, slowdowns = 0, clock_changes = 0;
  std::uint64_t disks_full = 0, disk_errors = 0, rots = 0;
  std::uint64_t member_disks_full = 0, member_disk_errors = 0, member_rots = 0;
  std::uint64_t states_refused = 0, updates_forgotten = 0, positions_taken_up = 0;
  std::uint64_t client_states_forgotten = 0;
  std::uint64_t trainings_failed = 0, backlogs = 0;
  std::uint64_t twins = 0, led_to_twins = 0, split_brains = 0, coordinators_refused = 0;
  std::uint64_t enrolled = 0, revoked = 0, new_keys = 0, absences = 0;
  std::uint64_t power_cuts = 0, transfers_resumed = 0, fits = 0;
  std::uint64_t delays = 0, echoes = 0, echoes_in_later_lives = 0, severed = 0, overflows = 0;
  std::uint64_t partitions = 0, clogs = 0;
  /// Of the corrupted, those that could be read and said something else: only they can lie.
  std::uint64_t corruptions = 0, garbled = 0;
  std::set<Actor> garbled_hellos;  ///< Of whom one or more were garbled.
  std::uint64_t hostile_acts = 0, strangers_at_the_door = 0, strangers_inside = 0, impostors = 0;
  std::array<std::uint64_t, 18> hostile_said = {};   ///< By alternative of Message.
  std::array<std::uint64_t, 16> hostile_flaws = {};  ///< By Flaw of offered updates.
  std::uint64_t update_bytes_sent = 0;
  std::map<std::string, std::uint64_t> crashes_in;  ///< By the coordinator's phase.
};

/// Folds numbers into 64 bits, in order: equal sequences give equal hashes.
class RollingHash {
 public:
  void Add(std::uint64_t number) {
    hash_ = (hash_ ^ number) * 0x9fb21c651e98df25U;
    hash_ ^= hash_ >> 32U;
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0x6d75737465720000U;
};

}  // namespace muster::simulator
