#include "cli/run_room.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/disk_space.h"
#include "coordinator/runtime/disk_demand.h"

namespace muster::cli {
namespace {

/// What participants write anew in the place of what they have.
std::uint64_t ReusedByParticipants(const Config& config, const RunPaths& paths,
                                   const ParticipantDemand& demand) {
  std::uint64_t reused = 0;
  for (std::uint32_t i = 0; i < config.run.participants; ++i) {
    const std::string dir = paths.Participant(ParticipantName(config.run.names, i));
    reused += std::min(OccupiedBytes(dir + "/update.bin"), demand.update_bytes);
    reused += std::min(OccupiedBytes(dir + "/position.bin"), demand.position_bytes);
    reused += std::min(OccupiedBytes(dir + "/client.bin"), demand.client_bytes);
    reused += std::min(OccupiedBytes(dir + "/client.next"), demand.client_bytes);
  }
  return reused;
}

}  // namespace

// A trainer's position holds what its update is made from, and the client-side state it began to
// move.
ParticipantDemand DemandOfParticipant(const JobSpec& job, std::uint64_t update_bytes,
                                      std::uint64_t model_bytes) {
  ParticipantDemand demand;
  if (AcceptOf(job.round) == Accept::durable) demand.update_bytes = update_bytes;
  if (job.train.optimizer == Optimizer::adamw) demand.client_bytes += 2 * model_bytes;
  if (job.strategy.kind == StrategyKind::scaffold) demand.client_bytes += model_bytes;
  demand.position_bytes = update_bytes + demand.client_bytes;
  return demand;
}

std::uint64_t RunDemand::ByParticipants() const {
  std::uint64_t bytes = 0;
  return __builtin_mul_overflow(participant.Total(), participants, &bytes) ? UINT64_MAX : bytes;
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
          "the participants (run.participants = {}) for {} each (what they trained, where they are "
          "in it, and client-side state), the coordinator for {}: {} updates (2 x round.goal + 1, "
          "and with round.late = \"fold\" 2 x a cohort) of {}, "
          "{} versions (checkpoint.keep_last) of {}, and {} to spare. Make room, or lower "
          "run.participants, round.goal or checkpoint.keep_last",
          state_dir, available, demand.Total(), demand.participants, demand.participant.Total(),
          core.Total(), core.updates, core.update_bytes, core.versions, core.version_bytes,
          coordinator::kDiskReserveBytes)};
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
  const ParticipantDemand each =
      DemandOfParticipant(config.job, demand->update_bytes, (*trainer)->layout().total_bytes());
  const std::uint64_t available = *free_bytes +
                                  coordinator::ReusedBytes(*demand, retention, held, paths.state) +
                                  ReusedByParticipants(config, paths, each);
  return CheckRunDemand({*demand, each, config.run.participants}, available, paths.state);
}

}  // namespace muster::cli
