// The same store and spool on a file system of the caller's, which sees every operation that must
// survive a crash: for tests that inject faults. Only the lock goes past it: it holds no bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "checkpoint/spool.h"
#include "checkpoint/store.h"

namespace rocksdb {
class FileSystem;
}

namespace muster::checkpoint {

using FileSystemPtr = std::shared_ptr<rocksdb::FileSystem>;

/// When the database writes its log out to sorted files and merges these.
enum class Upkeep : std::uint8_t {
  automatic,  ///< In its own threads, at moments of its own.
  by_hand,    ///< In RunUpkeep (and at an open), so that equal runs do equal operations.
  eager,      ///< As automatic, but a few kilobytes are enough: for short runs that are to meet it.
};

/// As OpenCheckpointStore. `files` must be thread-safe. `state_dir` itself is made past it.
Result<std::unique_ptr<CheckpointStore>> OpenCheckpointStoreOn(FileSystemPtr files,
                                                               const std::string& state_dir,
                                                               OpenMode mode,
                                                               Upkeep upkeep = Upkeep::automatic,
                                                               const StateKey& key = {});
/// Flushes and merges everything, and waits for it. REQUIRES: the store was opened to be written.
/// Errors: as CheckpointStore::Write.
Status RunUpkeep(CheckpointStore& store);

/// As OpenSpool. `files` must be thread-safe.
Result<std::unique_ptr<Spool>> OpenSpoolOn(FileSystemPtr files, const std::string& state_dir,
                                           const StateKey& key = {});

/// As RekeyState.
Result<std::uint32_t> RekeyStateOn(const FileSystemPtr& files, const std::string& state_dir,
                                   const StateKey& old_key, const StateKey& new_key);

}  // namespace muster::checkpoint
