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

/// update.bin, its temporary copy and position.bin, each of the size of an update.
inline constexpr std::uint64_t kCopiesByParticipant = 3;

struct RunDemand {
  coordinator::DiskDemand coordinator;
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
