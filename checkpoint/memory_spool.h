// The spool of jobs that accept in memory (`round.accept = "memory"`): the same room for a round's
// updates, in this process's memory. What lies there ends with the process.
#pragma once

#include <memory>

#include "checkpoint/spool.h"

namespace muster {

/// Thread-safe as Spool says. Extents take memory from their first Write on, and keep it; Sync does
/// nothing. Errors: io_failed, of a Read beyond what was written to its extent.
std::unique_ptr<Spool> CreateMemorySpool();

}  // namespace muster
