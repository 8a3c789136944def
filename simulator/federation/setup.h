// What a run is about: the job, who takes part, and where the coordinator's state lies.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/state_key.h"
#include "coordinator/core/core.h"
#include "model/job.h"
#include "protocol/records.h"

namespace muster::simulator {

/// What a coordinator is, whichever process of it runs.
struct CoordinatorSetup {
  JobSpec job;
  coordinator::CoordinatorOptions options;
  std::vector<RosterEntry> roster;
  std::string state_dir;  ///< Where a DiskVolume has it.
  checkpoint::Upkeep upkeep = checkpoint::Upkeep::automatic;
  std::int64_t prepare_ms = 4;  ///< A spool's room takes so long at most.
  StateKey state_key;           ///< If given, the state is encrypted.
};

}  // namespace muster::simulator
