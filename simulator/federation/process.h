// What one process has of the machine under it: its clock and timers, how fast it works, and
// whether it stands still.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <utility>

#include "simulator/federation/process_clock.h"
#include "simulator/world/world.h"

namespace muster::simulator {

/// A process that stands still (SIGSTOP) does nothing: what comes in waits, in order, and is taken
/// before any timer once it goes on. Slowness is the machine's: it outlives the process. Not
/// thread-safe.
class Process {
 public:
  /// The longest time between two ticks, of both cores.
  static constexpr MonotonicMs kTickMsMax = 250;

  Process(World& world, Actor actor) : world_(world), actor_(actor) {}

  /// A new process; `tick` is called at the armed time, and every kTickMsMax at the latest.
  void Begin(std::function<void()> tick);
  /// It is gone: nothing that was guarded happens any more.
  void End();
  bool running() const { return running_; }
  /// Another number for each process.
  std::uint64_t life() const { return life_; }

  MonotonicMs now_ms() const { return clock_.Read(world_.now()); }
  /// The next tick, by the process's own clock. Replaces the time armed before.
  void Arm(MonotonicMs at);

  /// An action that happens if this very process still runs, once it does not stand still.
  template <typename Action>
  auto Guard(Action action) {
    return [this, life = life_, action = std::move(action)](auto&&... arguments) {
      if (life != life_) return;
      if (!paused_) return action(arguments...);
      backlog_.push_back([action, arguments...] { action(arguments...); });
    };
  }
  /// Work of `worker`, which takes as long as drawn, or longer on a slow machine.
  void Later(Worker& worker, Micros least, Micros most, std::function<void()> action);

  // --- What goes wrong ---------------------------------------------------------------------------
  /// Longer than any message, lease or deadline if it is to be. A second one extends the first.
  void Pause(Micros duration);
  void SlowDown(std::int64_t factor, Micros duration);
  void SetRate(std::int64_t rate);
  void Jump(Micros by);
  /// Nothing of that goes on: it runs at its true speed.
  void Heal();
  bool paused() const { return paused_; }

 private:
  void GoOn();
  void WakeLater();
  void Wake();

  World& world_;
  const Actor actor_;
  ProcessClock clock_;
  bool running_ = false;
  std::uint64_t life_ = 0;
  std::function<void()> tick_;
  MonotonicMs ticked_at_ = 0;
  std::optional<MonotonicMs> armed_;
  Micros wake_at_ = -1;     ///< World time of the one wake-up that counts; -1: none.
  std::uint64_t wake_ = 0;  ///< Its number.
  bool paused_ = false;
  Micros paused_until_ = 0;
  std::deque<std::function<void()>> backlog_;
  std::int64_t slow_factor_ = 1;
  Micros slow_until_ = 0;
};

}  // namespace muster::simulator
