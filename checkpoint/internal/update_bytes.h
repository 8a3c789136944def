// How long an update is that lies in the spool.
#pragma once

#include <cstdint>

#include "common/error.h"
#include "protocol/records.h"

namespace muster::checkpoint {

/// Of the job's strategy (its lanes) on head's model. A state on which no coordinator has begun has
/// no job: the model's bytes. Errors: damage (manifest or job), unsupported (a job of a newer
/// build, or of a strategy that this program has not registered). REQUIRES: the state has a head.
Result<std::uint64_t> UpdateBytesOf(const RecoveredState& state);

}  // namespace muster::checkpoint
