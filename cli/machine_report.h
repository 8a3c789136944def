// What `muster doctor` tells: what this program and this machine are, and what stands in the way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/volume_probe.h"
#include "common/error.h"
#include "transport/zmq_library.h"

namespace muster::cli {

struct MachineReport {
  std::string version;  ///< Of Muster.
  std::uint32_t protocol = 0;
  std::string compiler;
  std::vector<std::string> own_strategies;  ///< What this program registered.
  std::string cpu;
  std::uint32_t cores = 0;         ///< That this process may run on.
  std::uint64_t memory_bytes = 0;  ///< Of the machine.
  std::string kernels;             ///< What trainers take: digests are equal where it is.
  std::vector<std::string> kernels_built;
  Status floating_point;
  ZmqLibrary zmq;
  std::string rocksdb;
  std::string openssl;
  std::uint64_t open_files = 0;        ///< The limit of a process, raised as far as it can be.
  std::uint64_t participants_max = 0;  ///< That a coordinator has descriptors for.
  std::string directory;               ///< What --dir named; empty: none.
  std::optional<VolumeProbe> volume;
};

/// Looks at the process, the machine and, if one is named, the directory's volume.
/// Errors: as ProbeVolume.
Result<MachineReport> InspectMachine(const std::string& directory);

/// What keeps Muster from working here, or from keeping its promises; empty if nothing was found.
std::vector<std::string> Problems(const MachineReport& report);

/// Aligned lines for people, problems last.
std::string MachineText(const MachineReport& report);
/// One JSON object on a line.
std::string MachineJson(const MachineReport& report);

}  // namespace muster::cli
