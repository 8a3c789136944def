// Whether the state's volume has room: at the start for the whole job, then for the next update.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/retention.h"
#include "common/error.h"
#include "common/ids.h"
#include "coordinator/core/core.h"
#include "coordinator/core/events.h"
#include "model/job.h"

namespace muster::coordinator {

/// What a job asks of its volume at a time.
struct DiskDemand {
  std::uint64_t update_bytes = 0;
  std::uint64_t version_bytes = 0;  ///< Model and server state.
  std::uint32_t updates = 0;        ///< Extents of the spool.
  std::uint64_t versions = 0;       ///< VersionsHeldAtATime.

  /// With the reserve; UINT64_MAX if it is no number of 64 bits.
  std::uint64_t Total() const;
};

/// `available`: what is free, and what the job uses again of what the state occupies. Errors:
/// disk_full, with the keys that would help.
Status CheckDiskRoom(const DiskDemand& demand, const RetentionPolicy& retention,
                     std::uint64_t available, const std::string& state_dir);

/// What the job uses again of what a state directory occupies: the spool, as far as it asks for
/// it, and, of `held`, the versions that the policy drops and those that it asks room for. What
/// else stays (keep_every, keep_last = 0, records) is no room.
std::uint64_t ReusedBytes(const DiskDemand& demand, const RetentionPolicy& retention,
                          const std::vector<Version>& held, const std::string& state_dir);

/// CheckDiskRoom of a state directory as it lies there. Errors: disk_full, io_failed.
Status CheckStateRoom(const DiskDemand& demand, const RetentionPolicy& retention,
                      const std::vector<Version>& held, const std::string& state_dir);

/// Watches the free bytes of a volume. Not thread-safe.
class DiskGauge {
 public:
  DiskGauge(std::string path, std::uint64_t room_bytes)
      : path_(std::move(path)), room_bytes_(room_bytes) {}

  /// What is free, if that is on the other side of room_bytes than it was before; at first, if it
  /// is below. Nothing, too, where the system does not say.
  std::optional<DiskMeasured> Crossed();

 private:
  const std::string path_;
  const std::uint64_t room_bytes_;
  bool short_ = false;
};

}  // namespace muster::coordinator
