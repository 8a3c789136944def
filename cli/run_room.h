// Whether the volume has room for everything of a `muster run`: the coordinator's state and, beside
// it, its participants' directories.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/config.h"
#include "cli/run_files.h"
#include "common/error.h"
#include "common/ids.h"
#include "coordinator/runtime/disk_room.h"

namespace muster::cli {

/// What one participant's directory holds at a time.
struct ParticipantDemand {
  std::uint64_t update_bytes = 0;  ///< update.bin; 0: updates are kept in memory.
  std::uint64_t position_bytes = 0;
  std::uint64_t client_bytes = 0;  ///< client.bin; 0: the job keeps no client-side state.

  /// With the temporary copy of what is replaced, and client.next.
  std::uint64_t Total() const { return 2 * update_bytes + position_bytes + 3 * client_bytes; }
};
/// REQUIRES: model_bytes of a model within the limits.
ParticipantDemand DemandOfParticipant(const JobSpec& job, std::uint64_t update_bytes,
                                      std::uint64_t model_bytes);

struct RunDemand {
  coordinator::DiskDemand coordinator;
  ParticipantDemand participant;
  std::uint32_t participants = 0;

  std::uint64_t ByParticipants() const;
  /// Both; UINT64_MAX if it is no number of 64 bits.
  std::uint64_t Total() const;
};

/// `available`: what is free, and what the run uses again. Errors: disk_full, with the numbers.
Status CheckRunDemand(const RunDemand& demand, std::uint64_t available,
                      const std::string& state_dir);

/// CheckRunDemand of a state directory as it lies there; `held`: the versions that its store holds.
/// Errors: disk_full, io_failed, those of CreateTrainer, unsupported.
Status CheckRunRoom(const Config& config, const RunPaths& paths, const std::vector<Version>& held);

}  // namespace muster::cli
