// The store on RocksDB, put together by whoever opened and judged its parts.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "checkpoint/internal/database.h"
#include "checkpoint/internal/file_system.h"
#include "checkpoint/internal/recovery.h"
#include "checkpoint/internal/witness.h"
#include "checkpoint/store.h"
#include "common/file.h"

namespace muster::checkpoint {

struct StoreParts {
  FileSystemPtr files;
  std::string state_dir;
  std::optional<FileLock> lock;        ///< Nothing in a store that is opened to be read.
  std::shared_ptr<Database> database;  ///< Never null.
  std::shared_ptr<Database> chunks;    ///< The same, but for a reader beside a writer.
  std::unique_ptr<Witness> witness;    ///< Null in a store that is opened to be read.
  Recovery recovery;
};

std::unique_ptr<CheckpointStore> MakeStore(StoreParts parts);

}  // namespace muster::checkpoint
