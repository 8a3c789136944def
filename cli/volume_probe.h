// What the volume below a directory is, and what can be seen of how it keeps its word.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"

namespace muster::cli {

struct VolumeProbe {
  std::string file_system;  ///< "ext4", as the system calls it; empty if it does not say.
  std::string mounted_at;
  std::uint64_t free_bytes = 0;
  double sync_ms = 0;      ///< Median of writing 4 KiB and fdatasync.
  double sync_ms_max = 0;  ///< The longest of them.
  /// Why what is synced there would not survive a power cut; empty if nothing speaks against it.
  /// That it does survive, no program can see: only a power cut shows it.
  std::string not_durable;
};

/// Writes 128 KiB to a file without a name in the directory. Errors: flag_invalid (no directory),
/// io_failed, disk_full.
Result<VolumeProbe> ProbeVolume(const std::string& directory);

/// Of the text of /proc/self/mountinfo: the file system that an absolute path without symbolic
/// links lies on, and why it keeps nothing, as far as the line says. Leaves the rest as it is.
void DescribeMount(const std::string& mountinfo, const std::string& path, VolumeProbe& probe);

}  // namespace muster::cli
