// A volume that is nearly full: nothing new is granted, what is under way is finished, and all goes
// on by itself once there is room.
#include "coordinator/core/impl.h"

namespace muster::coordinator {

std::uint64_t RoomForGrants(std::uint64_t version_bytes) {
  return version_bytes + kDiskReserveBytes;
}

void CoordinatorCore::Impl::On(const DiskMeasured& measured) {
  const std::uint64_t needed = RoomForGrants(head_.total_bytes);
  const bool short_now = measured.free_bytes < needed;
  if (short_now == disk_short_) return;
  disk_short_ = short_now;
  if (!disk_short_) {
    PumpGrants();
    return;
  }
  Count("disk_full");
  Note({.kind = NoticeKind::refused,
        .reason = Reason::disk_full,
        .text = "no further upload is granted before " + std::to_string(needed) +
                " bytes are free on the state's volume; " + std::to_string(measured.free_bytes) +
                " are"});
}

}  // namespace muster::coordinator
