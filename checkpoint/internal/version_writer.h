// Writes a version as one sorted file beside the database and hands it over by a rename.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/internal/database.h"
#include "checkpoint/store.h"

namespace muster::checkpoint {

/// `staged_path` names no file yet and lies on the database's file system. Errors: disk_full,
/// io_failed.
Result<std::unique_ptr<VersionWriter>> CreateVersionWriter(std::shared_ptr<Database> database,
                                                           FileSystemPtr files,
                                                           std::string staged_path,
                                                           Version version);

}  // namespace muster::checkpoint
