// A spool that is looked at: for who checks a state and must not change a byte of it.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/spool.h"
#include "checkpoint/state_key.h"

namespace muster::checkpoint {

/// Opens `state_dir`/spool to be read alone; a read-only volume will do. Its Prepare makes no room:
/// damage if the file is shorter than asked. Write and Sync must not be called. Errors: damage (the
/// file is gone), io_failed, those of OpenSpool for a key that does not fit.
Result<std::unique_ptr<Spool>> OpenSpoolToReadOn(const FileSystemPtr& files,
                                                 const std::string& state_dir,
                                                 const StateKey& key = {});

}  // namespace muster::checkpoint
