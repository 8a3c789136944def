// Says which seed a process was running when it crashed.
#pragma once

#include <cstdint>
#include <vector>

#include "simulator/world/schedule.h"

namespace muster::simulator {

/// From now on MUSTER_CHECK and fatal signals in a thread that runs a seed say the seed and how to
/// replay it on standard error, and end the process with ExitCodeOf(Ending::crash). Process-wide.
void InstallCrashGuard();

/// Besides, write the faults that had happened, as they lie in memory, to this descriptor.
void DumpFaultsOnCrash(int descriptor);

/// Marks the calling thread as running `seed` while it lives. `schedule` must outlive it.
class RunningSeed {
 public:
  RunningSeed(std::uint64_t seed, const Schedule& schedule);
  ~RunningSeed();
  RunningSeed(const RunningSeed&) = delete;
  RunningSeed& operator=(const RunningSeed&) = delete;
};

}  // namespace muster::simulator
