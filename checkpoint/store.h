// The durable state of a coordinator, behind an interface: RocksDB underneath (rocksdb_store.cpp).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/state_key.h"
#include "common/bytes.h"
#include "common/error.h"
#include "common/ids.h"
#include "protocol/records.h"

namespace muster {

/// Takes one version chunk by chunk; becomes readable and durable as a whole, or not at all.
/// Not thread-safe. Dropped without Finish, it leaves nothing.
class VersionWriter {
 public:
  virtual ~VersionWriter() = default;
  /// The next chunk: kVersionChunkBytes, the last one may be shorter.
  virtual Status Append(ByteSpan chunk) = 0;
  /// Makes the chunks durable. Those of versions above head count only once a PutVersion batch
  /// names them, and are swept at the next open.
  virtual Status Finish() = 0;
};

/// One writer process at a time (state_in_use otherwise). Thread-safe; writes are serialised
/// inside.
class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;

  /// All that is needed to go on. Read at open.
  virtual const RecoveredState& recovered() const = 0;
  /// The same, read again. Beside a writer its parts may be of different moments: a part never
  /// tells less than those read before it. Errors: damage, unsupported, io_failed.
  virtual Result<RecoveredState> ReadState() = 0;

  /// Applies the batch atomically; durable on return if batch.sync.
  /// Errors: disk_full (nothing was written, try again later), io_failed (the process must end).
  virtual Status Write(const Batch& batch) = 0;

  /// REQUIRES: version is above head, or its manifest is there and it is not held; the writer ends
  /// before the store. Errors: disk_full, io_failed, as of the writer's own calls.
  virtual Result<std::unique_ptr<VersionWriter>> BeginVersion(Version version) = 0;
  /// Removes the version's chunks, durably; its manifest and its record stay. Success if they are
  /// not held. REQUIRES: it is neither head nor what a head that is not held follows from.
  /// Errors: disk_full (nothing was removed, try again later), io_failed.
  virtual Status DropVersion(Version version) = 0;
  /// Verified against the manifest's chunk digest. Errors: not_found, damage.
  virtual Result<Bytes> ReadVersionChunk(const VersionManifest& manifest, std::uint32_t index) = 0;

  /// Errors: not_found, damage.
  virtual Result<VersionManifest> ReadManifest(Version version) = 0;
  virtual Result<RoundRecord> ReadRoundRecord(Version version) = 0;
  /// Calls `visit` for every record, ascending by version; stops at its first error. `visit` must
  /// not write to the store.
  virtual Status ForEachRoundRecord(const std::function<Status(const RoundRecord&)>& visit) = 0;
  /// Those with manifest and chunks, ascending: head is the last, unless it is not stored yet
  /// (`RecoveredState::unstored`).
  virtual std::vector<Version> HeldVersions() = 0;
};

enum class OpenMode : std::uint8_t {
  create_or_open,  ///< The coordinator, and `enroll` before it first ran.
  read_only,       ///< Looking at a state that may be in use.
};

/// Opens `state_dir`/db and recovers: sweeps staged files and chunks above head, checks the log
/// against the witness. Whether the state is encrypted is decided when it is made: with a key it
/// is, and is opened with that key alone from then on. Errors: state_in_use, not_found (read_only),
/// damage, io_failed, unsupported (written by a newer format), wrong_state_key, state_key_missing,
/// state_not_encrypted (nothing was changed then).
Result<std::unique_ptr<CheckpointStore>> OpenCheckpointStore(const std::string& state_dir,
                                                             OpenMode mode,
                                                             const StateKey& key = {});

}  // namespace muster
