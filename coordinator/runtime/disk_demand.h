// What a job asks of the volume of its state, by its layouts.
#pragma once

#include "aggregation/strategy.h"
#include "checkpoint/retention.h"
#include "common/error.h"
#include "coordinator/runtime/disk_room.h"
#include "model/job.h"
#include "training/trainer.h"

namespace muster::coordinator {

/// Errors: those of LanesOf and StateLayout.
Result<DiskDemand> DemandOf(const JobSpec& job, const RetentionPolicy& retention,
                            const Trainer& trainer, const Strategy& strategy);

}  // namespace muster::coordinator
