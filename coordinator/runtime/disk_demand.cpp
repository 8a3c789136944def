#include "coordinator/runtime/disk_demand.h"

namespace muster::coordinator {

Result<DiskDemand> DemandOf(const JobSpec& job, const RetentionPolicy& retention,
                            const Trainer& trainer, const Strategy& strategy) {
  const auto lanes = LanesOf(strategy, trainer.layout());
  MUSTER_TRY(lanes);
  const auto server_state = StateLayout(strategy, trainer.layout());
  MUSTER_TRY(server_state);
  const bool in_memory = AcceptOf(job.round) == Accept::memory;
  return DiskDemand{lanes->layout().total_bytes(),
                    trainer.layout().total_bytes() + server_state->total_bytes(),
                    in_memory ? 0 : SpoolExtentCount(job), VersionsHeldAtATime(retention)};
}

}  // namespace muster::coordinator
