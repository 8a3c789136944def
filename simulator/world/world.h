// Virtual time, one seed, and what goes wrong: the ground of a federation in one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/random.h"
#include "simulator/store/flip.h"
#include "simulator/world/event_queue.h"
#include "simulator/world/schedule.h"
#include "simulator/world/trace.h"

namespace muster::simulator {

/// What may go wrong in a run.
struct Faults {
  Chances chances;
  int deaths_max = 0;  ///< Crashes and stops of each process: then it is left in peace.
  /// Of these participants no update chunk gets through, while their links and leases live.
  std::set<RosterIndex> stalled;
  /// Enrolled, and not what they should be: simulator/federation/hostile_node.h.
  std::set<RosterIndex> hostile;
  std::uint32_t strangers = 0;  ///< Whose keys are not enrolled; at most 8.
  /// The link of the first upload that comes so far breaks there, once; 0: none does.
  std::uint64_t cut_first_upload_at = 0;
};

/// The queue of what is to come, and all draws. Equal seeds and schedules give equal runs, and
/// equal hashes over every (time, actor, draw) and all that is said, done and written. Not
/// thread-safe.
class World {
 public:
  World(std::uint64_t seed, const Faults& faults)
      : World(seed, faults, Schedule(seed, faults.chances)) {}
  World(std::uint64_t seed, const Faults& faults, Schedule schedule)
      : seed_(seed), faults_(faults), schedule_(std::move(schedule)) {}

  Micros now() const { return now_; }
  MonotonicMs now_ms() const { return now_ / kMillisecond; }
  const Faults& faults() const { return faults_; }
  Schedule& schedule() { return schedule_; }
  Happened& happened() { return happened_; }
  /// Bits that were flipped under the coordinator and its copies.
  Flips& flips() { return flips_; }
  const Coverage& coverage() const { return coverage_; }
  std::uint64_t hash() const { return hash_.value(); }
  /// For whoever has more to fold into it.
  RollingHash& trace() { return hash_; }

  // --- Draws -------------------------------------------------------------------------------------
  /// Each actor draws from a stream of its own: what happens to one moves nothing of the others.
  std::uint64_t Draw(Actor actor);
  /// Uniform in [low, high].
  Micros Between(Actor actor, Micros low, Micros high);
  /// Whether the fault happens now: then it is counted, hashed and told. The value is drawn with
  /// it.
  std::optional<std::uint64_t> Ask(FaultKind kind, Actor actor) {
    const auto value = Propose(kind, actor);
    if (value) TookEffect(kind, actor);
    return value;
  }
  /// The same of a fault that may find nothing to befall: whoever asks calls TookEffect if it did,
  /// which counts and tells it, with `what` it befell.
  std::optional<std::uint64_t> Propose(FaultKind kind, Actor actor) {
    const auto value = schedule_.Ask(kind, actor);
    if (value) hash_.Add(*value);
    return value;
  }
  void TookEffect(FaultKind kind, Actor actor, std::string_view what = {});
  bool Happens(FaultKind kind, Actor actor) { return Ask(kind, actor).has_value(); }

  // --- Time --------------------------------------------------------------------------------------
  /// Equal times keep the order of the calls.
  void At(Micros when, Actor actor, std::function<void()> action) {
    queue_.Push(when, actor, std::move(action));
  }
  /// Runs until `done`, nothing is left, the time is up or a promise is broken. Returns whether it
  /// is done.
  bool RunUntil(const std::function<bool()>& done, Micros limit);

  // --- Promises ----------------------------------------------------------------------------------
  /// A promise is broken: the run ends, and the text says which.
  void Violate(std::string text) { violations_.push_back(std::move(text)); }
  void Expect(bool kept, const std::string& text) {
    if (!kept) Violate(text);
  }
  const std::vector<std::string>& violations() const { return violations_; }

  // --- The story ---------------------------------------------------------------------------------
  /// Off by default: nobody pays for sentences that nobody reads.
  /// `listener` gets each line as it is told; without one they are kept.
  void TellStory(std::function<void(const StoryLine&)> listener = {}) {
    telling_ = true;
    listener_ = std::move(listener);
  }
  bool telling() const { return telling_; }
  void Tell(Actor actor, std::string text);
  const std::vector<StoryLine>& story() const { return story_; }

  /// The coordinator's phase, for coverage: it may be asked and set from its database's threads.
  std::function<coordinator::Phase()> phase = [] { return coordinator::Phase::starting; };

 private:
  const std::uint64_t seed_;
  const Faults faults_;
  Schedule schedule_;
  RollingHash hash_;
  Happened happened_;
  Flips flips_;
  Coverage coverage_;
  std::vector<std::string> violations_;
  bool telling_ = false;
  std::function<void(const StoryLine&)> listener_;
  std::vector<StoryLine> story_;
  std::vector<std::optional<KeyedStream>> streams_;  ///< By actor, from its first draw on.
  Micros now_ = 0;
  EventQueue queue_;
};

/// Work that one thread does in order: each piece ends after those before it.
class Worker {
 public:
  Micros Book(World& world, Actor actor, Micros least, Micros most) {
    free_at_ = std::max(free_at_, world.now()) + world.Between(actor, least, most);
    return free_at_;
  }

 private:
  Micros free_at_ = 0;
};

}  // namespace muster::simulator
