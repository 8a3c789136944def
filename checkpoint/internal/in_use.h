// Whether a writer is at work on a state, asked without a lock that stays and without a change.
#pragma once

#include <string>

#include "common/error.h"

namespace muster::checkpoint {

/// Whether a process holds the writer's lock of `state_dir` at this moment; not, if the lock file
/// was never made. Writes nothing, so a read-only volume will do. Shares the lock for that moment:
/// FileLock::Acquire tells that from a writer's. Errors: io_failed.
Result<bool> IsInUse(const std::string& state_dir);

}  // namespace muster::checkpoint
