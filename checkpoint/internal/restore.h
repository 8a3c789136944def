// RestoreState on a file system of the caller's, which sees every operation that must survive a
// crash; locks and the files by which participants find the coordinator go past it.
#pragma once

#include <functional>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/restore.h"

namespace muster::checkpoint {

Result<Restored> RestoreStateOn(FileSystemPtr files, const RestoreOrder& order,
                                const std::function<void(Version)>& progress);

}  // namespace muster::checkpoint
