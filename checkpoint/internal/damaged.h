// A state directory opened although it is damaged, as far as that goes: to see what is good in it,
// and to go on from there. Who only wants to use a state opens it with OpenCheckpointStore.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/internal/format.h"
#include "checkpoint/store.h"
#include "common/error.h"
#include "common/file.h"

namespace muster::checkpoint {

/// What an ordinary open would not pass over, but for head's chunks: these are read by whoever
/// reads the others.
struct Findings {
  std::vector<std::string> damage;  ///< A sentence each; empty: none of what follows.
  bool format_damaged = false;      ///< FORMAT is gone or unreadable; nothing else depends on it.
  bool log_damaged = false;         ///< Batches are lost, or what would tell so is.
  bool round_damaged = false;       ///< The open round is one that was closed.
  FormatFile format = FormatFile::plain;  ///< What FORMAT is to say.
  std::uint64_t batch_number = 0;         ///< Of the last batch that is there.
  std::uint64_t batches_lost = 0;         ///< At least: synced ones behind it.
  /// Versions above head that have chunks, while log_damaged; ascending. The log lost their
  /// batches, or whoever accepted a loss before died between a copy's chunks and its batch.
  std::vector<Version> unnamed;
};

struct DamagedState {
  std::unique_ptr<CheckpointStore> store;  ///< Chunks in it may be damaged: reading one tells.
  Findings findings;
};

/// Changes nothing on the disk. Errors: not_found (no state, or one that never finished its
/// creation), damage (the database or its metadata cannot be read: no version of it can be
/// trusted), unsupported, io_failed, those of OpenKeys.
Result<DamagedState> OpenDamagedToRead(const FileSystemPtr& files, const std::string& state_dir,
                                       const StateKey& key);

/// `lock`: of the directory, taken before anything of it was judged. A damaged log ends where it is
/// damaged from now on, but until the store's first batch the state stays a damaged one to every
/// other open, whatever dies in between; that batch vouches for all. FORMAT stays as it is, and so
/// do the chunks of `unnamed`. Errors: as OpenDamagedToRead, disk_full.
Result<DamagedState> OpenDamagedToWrite(const FileSystemPtr& files, const std::string& state_dir,
                                        const StateKey& key, Upkeep upkeep, FileLock lock);

}  // namespace muster::checkpoint
