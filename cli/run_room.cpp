#include "cli/run_room.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/disk_space.h"
#include "coordinator/runtime/disk_demand.h"

namespace muster::cli {
namespace {

/// What participants write anew in the place of what they have.
std::uint64_t ReusedByParticipants(const Config& config, const RunPaths& paths,
                                   std::uint64_t update_bytes) {
  std::uint64_t reused = 0;
  for (std::uint32_t i = 0; i < config.run.participants; ++i) {
    const std::string dir = paths.Participant(ParticipantName(config.run.names, i));
    reused += std::min(OccupiedBytes(dir + "/update.bin"), update_bytes);
    reused += std::min(OccupiedBytes(dir + "/position.bin"), update_bytes);
  }
  return reused;
}

}  // namespace

std::uint64_t RunDemand::ByParticipants() const {
  std::uint64_t bytes = 0;
  const std::uint64_t copies = kCopiesByParticipant * participants;
  return __builtin_mul_overflow(copies, coordinator.update_bytes, &bytes) ? UINT64_MAX : bytes;
}

std::uint64_t RunDemand::Total() const {
  std::uint64_t bytes = 0;
  const bool over = __builtin_add_overflow(coordinator.Total(), ByParticipants(), &bytes);
  return over ? UINT64_MAX : bytes;
}

Status CheckRunDemand(const RunDemand& demand, std::uint64_t available,
                      const std::string& state_dir) {
  if (demand.Total() <= available) return {};
  const coordinator::DiskDemand& core = demand.coordinator;
  return Error{
      Reason::disk_full,
      fmt::format(
          "the volume of {} has {} bytes for this run (free, or used again), but it asks for {}: "
          "the participants (run.participants = {}) for {} x {} each (update.bin, its temporary "
          "copy and position.bin), the coordinator for {}: {} updates (2 x round.goal + 1) of {}, "
          "{} versions (checkpoint.keep_last) of {}, and {} to spare. Make room, or lower "
          "run.participants, round.goal or checkpoint.keep_last",
          state_dir, available, demand.Total(), demand.participants, kCopiesByParticipant,
          core.update_bytes, core.Total(), core.updates, core.update_bytes, core.versions,
          core.version_bytes, coordinator::kDiskReserveBytes)};
}

Status CheckRunRoom(const Config& config, const RunPaths& paths, const std::vector<Version>& held) {
  const auto trainer = CreateTrainer(config.job, 0, config.data);
  MUSTER_TRY(trainer);
  const RetentionPolicy& retention = config.core.retention;
  const auto strategy = CreateStrategy(config.job);
  const auto demand = coordinator::DemandOf(config.job, retention, **trainer, *strategy);
  MUSTER_TRY(demand);
  const Result<std::uint64_t> free_bytes = FreeBytes(paths.state);
  MUSTER_TRY(free_bytes);
  const std::uint64_t available = *free_bytes +
                                  coordinator::ReusedBytes(*demand, retention, held, paths.state) +
                                  ReusedByParticipants(config, paths, demand->update_bytes);
  return CheckRunDemand({*demand, config.run.participants}, available, paths.state);
}

}  // namespace muster::cli
