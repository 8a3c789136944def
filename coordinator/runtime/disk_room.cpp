#include "coordinator/runtime/disk_room.h"

#include <algorithm>

#include "common/disk_space.h"

namespace muster::coordinator {
namespace {

std::uint64_t Product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}
std::uint64_t Sum(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}
/// How many of `held` make room, or are among the versions that the job asks room for.
std::uint64_t ReusedVersions(const std::vector<Version>& held, const RetentionPolicy& retention) {
  const std::uint64_t dropped = VersionsToDrop({held.begin(), held.end()}, retention, {}).size();
  // The one being written is not held yet.
  return dropped + std::min<std::uint64_t>(held.size(), VersionsHeldAtATime(retention) - 1);
}

std::string Number(std::uint64_t number) { return std::to_string(number); }

}  // namespace

std::uint64_t DiskDemand::Total() const {
  return Sum(Sum(Product(updates, update_bytes), Product(versions, version_bytes)),
             kDiskReserveBytes);
}

Status CheckDiskRoom(const DiskDemand& demand, const RetentionPolicy& retention,
                     std::uint64_t available, const std::string& state_dir) {
  if (demand.Total() <= available) return {};
  return Error{Reason::disk_full,
               "the volume of " + state_dir + " has " + Number(available) +
                   " bytes for this job (free, or used again), but it asks for " +
                   Number(demand.Total()) + ": " + Number(demand.updates) + " updates (2 x " +
                   "round.goal + 1, and with round.late = \"fold\" 2 x a cohort) of " +
                   Number(demand.update_bytes) + ", " + Number(demand.versions) +
                   " versions (checkpoint.keep_last = " + Number(retention.keep_last) + ") of " +
                   Number(demand.version_bytes) + ", and " + Number(kDiskReserveBytes) +
                   " to spare. Make room, or lower round.goal or checkpoint.keep_last"};
}

std::uint64_t ReusedBytes(const DiskDemand& demand, const RetentionPolicy& retention,
                          const std::vector<Version>& held, const std::string& state_dir) {
  const std::uint64_t spool =
      std::min(Product(demand.updates, demand.update_bytes), OccupiedBytes(state_dir + "/spool"));
  const std::uint64_t versions =
      std::min(Product(ReusedVersions(held, retention), demand.version_bytes),
               OccupiedBytes(state_dir + "/db"));
  return Sum(spool, versions);
}

Status CheckStateRoom(const DiskDemand& demand, const RetentionPolicy& retention,
                      const std::vector<Version>& held, const std::string& state_dir) {
  auto free_bytes = FreeBytes(state_dir);
  MUSTER_TRY(free_bytes);
  const std::uint64_t reused = ReusedBytes(demand, retention, held, state_dir);
  return CheckDiskRoom(demand, retention, Sum(*free_bytes, reused), state_dir);
}

std::optional<DiskMeasured> DiskGauge::Crossed() {
  const auto free_bytes = FreeBytes(path_);
  if (!free_bytes || (*free_bytes < room_bytes_) == short_) return std::nullopt;
  short_ = !short_;
  return DiskMeasured{*free_bytes};
}

}  // namespace muster::coordinator
