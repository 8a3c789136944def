// Seeds in a child process, so that whatever one of them does to its process is an outcome like any
// other.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "simulator/swarm/crash_guard.h"
#include "simulator/swarm/seed_run.h"

namespace muster::simulator {

/// Runs one seed at a time. A child that ends before it answers did crash: its `what` is the signal
/// and the first line that it wrote to standard error, where all of it is written, too. Linux.
/// Not thread-safe. REQUIRES: one thread, in which no real store was opened, when a child starts.
class SeedProcess {
 public:
  using Listener = std::function<void(const StoryLine&)>;
  /// In the child: runs what the number stands for, and tells its story as it happens.
  using Play = std::function<SeedOutcome(std::uint64_t seed, const Listener& tell)>;

  /// `on_story`, which may be empty, gets what the child tells.
  explicit SeedProcess(Play play, Listener on_story = {},
                       std::chrono::milliseconds step_cpu = kStepCpuMost);
  /// Kills the child.
  ~SeedProcess();
  SeedProcess(const SeedProcess&) = delete;
  SeedProcess& operator=(const SeedProcess&) = delete;

  /// Starts a child if there is none. REQUIRES: !busy().
  void Ask(std::uint64_t seed);
  bool busy() const { return busy_; }
  /// Has input as soon as Read() has something to take. None (-1): Read() does not wait.
  int descriptor() const { return socket_; }
  /// Takes what the child says, waiting for it. Nothing: it is not done yet, or a signal came.
  std::optional<SeedOutcome> Read();

 private:
  /// Empty, or why there is no child.
  std::string Start();
  std::optional<SeedOutcome> TakeFrames();
  SeedOutcome Crashed();
  /// Writes what the child wrote to standard error to ours. Returns its first line.
  std::string PassOn();
  void Close();

  const Play play_;
  const Listener on_story_;
  const std::chrono::milliseconds step_cpu_;
  pid_t child_ = -1;
  int socket_ = -1;
  int errors_ = -1;  ///< A file in memory.
  off_t passed_on_ = 0;
  bool busy_ = false;
  std::string not_started_;
  std::string received_;
};

/// As RunSeed, in a child of its own. What run.on_story is told is told here; if it is empty, the
/// story is in the outcome, that of a run that crashed as well. REQUIRES: as SeedProcess.
SeedOutcome RunSeedInChild(const SeedRun& run);

}  // namespace muster::simulator
