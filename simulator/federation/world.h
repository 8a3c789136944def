// Virtual time, one seed, and what may go wrong: the ground of a federation in one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/random.h"

namespace muster::simulator {

/// Microseconds of virtual time.
using Micros = std::int64_t;
inline constexpr Micros kMillisecond = 1'000;

/// Chances in [0, 1], each of one message or one effect. All 0: the undisturbed world.
struct Faults {
  double duplicate = 0;  ///< A message comes a second time, later.
  double lose = 0;       ///< A message is lost, and nobody is told.
  double cut = 0;        ///< The link breaks with all that is under way on it.
  double crash = 0;      ///< A process dies before an effect is performed.
  double stop = 0;       ///< A process is asked to stop (SIGTERM) after an event.
  int deaths_max = 0;    ///< Crashes and stops of each process: then it is left in peace.
  /// Of these participants no update chunk gets through, while their links and leases live.
  std::set<RosterIndex> stalled;
  /// The link of the first upload that comes so far breaks there, once; 0: none does.
  std::uint64_t cut_first_upload_at = 0;
};

/// What happened, so that tests can see that anything did.
struct Happened {
  std::uint64_t messages = 0, duplicates = 0, losses = 0, cuts = 0;
  std::uint64_t coordinator_crashes = 0, participant_crashes = 0, stops = 0;
  std::uint64_t power_cuts = 0, transfers_resumed = 0, fits = 0;
  std::uint64_t update_bytes_sent = 0;
  std::map<std::string, std::uint64_t> crashes_in;  ///< By the coordinator's phase.
};

/// The queue of what is to come, ordered by (time, draw of the seed). Equal seeds give equal runs.
class World {
 public:
  World(std::uint64_t seed, const Faults& faults)
      : faults_(faults), random_(seed, "federation", {}) {}

  Micros now() const { return now_; }
  MonotonicMs now_ms() const { return now_ / kMillisecond; }
  const Faults& faults() const { return faults_; }
  Happened& happened() { return happened_; }
  KeyedStream& random() { return random_; }

  bool Chance(double probability) { return probability > 0 && random_.Unit() < probability; }
  /// Uniform in [low, high].
  Micros Between(Micros low, Micros high) {
    return low + static_cast<Micros>(random_.Below(static_cast<std::uint64_t>(high - low) + 1));
  }

  void At(Micros when, std::function<void()> action) {
    queue_.emplace(std::pair(when, random_.Next()), std::move(action));
  }
  /// A promise is broken: the run ends, and the text says which.
  void Violate(std::string text) { violations_.push_back(std::move(text)); }
  void Expect(bool kept, const std::string& text) {
    if (!kept) Violate(text);
  }
  const std::vector<std::string>& violations() const { return violations_; }

  /// Runs until `done`, nothing is left, the time is up or a promise is broken. Returns whether it
  /// is done.
  bool RunUntil(const std::function<bool()>& done, Micros limit) {
    while (!done()) {
      if (!violations_.empty()) return false;
      if (queue_.empty() || queue_.begin()->first.first > limit) return false;
      auto next = queue_.extract(queue_.begin());
      now_ = next.key().first;
      next.mapped()();
    }
    return true;
  }

 private:
  Faults faults_;
  KeyedStream random_;
  Happened happened_;
  std::vector<std::string> violations_;
  Micros now_ = 0;
  std::multimap<std::pair<Micros, std::uint64_t>, std::function<void()>> queue_;
};

/// Work that one thread does in order: each piece ends after those before it.
class Worker {
 public:
  Micros Book(World& world, Micros least, Micros most) {
    free_at_ = std::max(free_at_, world.now()) + world.Between(least, most);
    return free_at_;
  }

 private:
  Micros free_at_ = 0;
};

}  // namespace muster::simulator
