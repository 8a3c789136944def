// What a process that runs seeds says when one of them ends it.
#pragma once

#include <chrono>

#include "simulator/world/world.h"

namespace muster::simulator {

/// A step of a run takes microseconds, the judgement at the end of a large one seconds: one that
/// took between this and twice as much CPU time is in an endless loop.
inline constexpr std::chrono::seconds kStepCpuMost{60};

/// From now on a fatal signal (MUSTER_CHECK's, a stack overflow's) in the calling thread writes a
/// FrameKind::crash to `descriptor`, and then ends the process as it would have. A step, or what is
/// between two runs, that takes more than `step_cpu` of CPU time ends it by SIGXCPU in the same
/// way. Process-wide, once, by the thread that runs the seeds.
void InstallCrashGuard(int descriptor, std::chrono::milliseconds step_cpu);

/// Marks the calling thread as running this world while it lives. `world` must outlive it.
class RunningSeed {
 public:
  explicit RunningSeed(World& world);
  ~RunningSeed();
  RunningSeed(const RunningSeed&) = delete;
  RunningSeed& operator=(const RunningSeed&) = delete;
};

}  // namespace muster::simulator
