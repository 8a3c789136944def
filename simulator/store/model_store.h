// The store's crash semantics without a database: batches are an ordered log, versions are there as
// a whole or not at all (checkpoint/store.h; what it models: docs/storage-format.md).
#pragma once

#include <memory>

#include "checkpoint/store.h"
#include "simulator/store/model_disk.h"

namespace muster::simulator {

/// As OpenCheckpointStore, plain: the same looks before the first change, the same sweep. One that
/// is opened to be read holds what is there now. It writes its log out only where it must, the real
/// one also when it is long. Not thread-safe.
Result<std::unique_ptr<CheckpointStore>> OpenModelStore(std::shared_ptr<ModelDisk> disk,
                                                        OpenMode mode);

/// To read, past damage: what is damaged says so when it is read. Errors: not_found.
Result<std::unique_ptr<CheckpointStore>> OpenDamagedModelStore(std::shared_ptr<ModelDisk> disk);

/// Everything is written out of the log. REQUIRES: a store opened to be written by OpenModelStore.
Status RunModelUpkeep(CheckpointStore& store);

}  // namespace muster::simulator
