// The job of a seed's options.
#pragma once

#include "model/job.h"
#include "simulator/swarm/swarm_options.h"

namespace muster::simulator {

/// Options that do not go together give a job that ValidateJob refuses.
JobSpec JobOf(const SwarmOptions& options);

}  // namespace muster::simulator
