// CheckpointStore on RocksDB. docs/storage-format.md says what lies where and when it is durable.
#include <rocksdb/file_system.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "checkpoint/internal/batch_encoder.h"
#include "checkpoint/internal/database.h"
#include "checkpoint/internal/file_system.h"
#include "checkpoint/internal/files.h"
#include "checkpoint/internal/format.h"
#include "checkpoint/internal/keys.h"
#include "checkpoint/internal/paths.h"
#include "checkpoint/internal/recovery.h"
#include "checkpoint/internal/state_keys.h"
#include "checkpoint/internal/store_parts.h"
#include "checkpoint/internal/version_writer.h"
#include "checkpoint/internal/witness.h"
#include "checkpoint/store.h"
#include "common/digest.h"
#include "common/file.h"

namespace muster {
namespace checkpoint {
namespace {

// A reader beside a writer may find a file gone between the listing and the opening.
constexpr int kReaderOpensMax = 8;

// Far below what makes RocksDB write its log out by itself, one family after another beside
// batches.
constexpr std::uint64_t kLogBytesMax = 1U << 20;

std::uint64_t BytesIn(const std::vector<KeyChange>& changes) {
  std::uint64_t bytes = 0;
  for (const KeyChange& change : changes) {
    bytes += change.key.size() + (change.value ? change.value->size() : 0);
  }
  return bytes;
}

/// Tells the store what became of a version's chunks.
class NotedWriter : public VersionWriter {
 public:
  NotedWriter(std::unique_ptr<VersionWriter> writer, std::function<void(bool stored)> note)
      : writer_(std::move(writer)), note_(std::move(note)) {}

  Status Append(ByteSpan chunk) override { return writer_->Append(chunk); }
  Status Finish() override {
    note_(false);  // An earlier try of this version makes room first.
    Status finished = writer_->Finish();
    if (finished) note_(true);
    return finished;
  }

 private:
  const std::unique_ptr<VersionWriter> writer_;
  const std::function<void(bool stored)> note_;
};

class RocksDbStore : public CheckpointStore {
 public:
  explicit RocksDbStore(StoreParts parts)
      : files_(std::move(parts.files)),
        state_dir_(std::move(parts.state_dir)),
        lock_(std::move(parts.lock)),
        database_(std::move(parts.database)),
        chunks_(std::move(parts.chunks)),
        witness_(std::move(parts.witness)),
        recovered_(std::move(parts.recovery.state)),
        index_(std::move(parts.recovery.index)) {}

  const RecoveredState& recovered() const override { return recovered_; }

  Result<RecoveredState> ReadState() override {
    auto state = ReadStateOf(*database_);
    if (state) SplitAccepted(&*state);
    return state;
  }

  Status Write(const Batch& batch) override {
    MUSTER_CHECK(witness_ != nullptr, "a write to a store that was opened to be read");
    const std::lock_guard guard(mutex_);
    const EncodedBatch encoded = EncodeBatch(batch, index_);
    MUSTER_TRY(database_->Write(encoded.changes, batch.sync));
    encoded.index.ApplyTo(&index_);
    if (batch.sync) {
      const Status told = witness_->Tell(index_.batch_number);
      // The batch is durable; on a file system that copies on write the witness waits for space.
      if (!told && told.error().reason != Reason::disk_full) return told;
    }
    log_bytes_ += BytesIn(encoded.changes);
    // If it fails, the next batch is told of it: this one is written.
    if (log_bytes_ >= kLogBytesMax) (void)WriteOutLog().has_value();
    return {};
  }

  Result<std::unique_ptr<VersionWriter>> BeginVersion(Version version) override {
    MUSTER_CHECK(witness_ != nullptr, "a version for a store that was opened to be read");
    const std::lock_guard guard(mutex_);
    auto held = IsHeld(*database_, version);
    MUSTER_TRY(held);
    const bool known = index_.versions.contains(version);
    MUSTER_CHECK(!index_.head || version > *index_.head || (known && !*held),
                 "a version that is stored already");
    const std::string path = StagePath(state_dir_) + "/version-" + std::to_string(version) + "-" +
                             std::to_string(staged_count_++) + ".sst";
    auto writer = CreateVersionWriter(database_, files_, path, version);
    MUSTER_TRY(writer);
    return std::unique_ptr<VersionWriter>(
        std::make_unique<NotedWriter>(std::move(*writer), [this, version](bool stored) {
          const std::lock_guard noting(mutex_);
          stored ? (void)index_.stored.insert(version) : (void)index_.stored.erase(version);
        }));
  }

  // Removing files takes a while: batches are not held up by it.
  Status DropVersion(Version version) override {
    MUSTER_CHECK(witness_ != nullptr, "a removal from a store that was opened to be read");
    {
      const std::lock_guard guard(mutex_);
      MUSTER_CHECK(version != index_.head, "head is removed");
      if (index_.stored.erase(version) == 0) return {};
    }
    Status removed = KeepWayBack(version);
    if (removed) removed = database_->RemoveVersions(version, version);
    if (removed) return removed;
    const std::lock_guard guard(mutex_);
    index_.stored.insert(version);
    return removed;
  }

  Result<Bytes> ReadVersionChunk(const VersionManifest& manifest, std::uint32_t index) override {
    const std::string name =
        "chunk " + std::to_string(index) + " of version " + std::to_string(manifest.version);
    if (index >= manifest.chunk_digests.size()) {
      return Error{Reason::not_found, name + " does not exist: the version has " +
                                          std::to_string(manifest.chunk_digests.size())};
    }
    auto value = chunks_->Get(Family::versions, ChunkKey(manifest.version, index));
    if (!value) {
      return Error{value.error().reason, name + ": " + value.error().message};
    }
    if (!*value) {
      return Error{Reason::not_found, name + " is not held in " + database_->path()};
    }
    const ByteSpan bytes = AsBytes(**value);
    if (Sha256Of(bytes) != manifest.chunk_digests[index]) {
      return Error{Reason::damage,
                   name + " in " + database_->path() + " is not what its manifest's digest names"};
    }
    return Bytes(bytes.begin(), bytes.end());
  }

  Result<VersionManifest> ReadManifest(Version version) override {
    return ReadManifestOf(*database_, version);
  }

  Result<RoundRecord> ReadRoundRecord(Version version) override {
    return ReadRecordOf(*database_, version);
  }

  Status ForEachRoundRecord(const std::function<Status(const RoundRecord&)>& visit) override {
    return database_->ForEach(
        Family::rounds, kRecordPrefix, [&](std::string_view key, ByteSpan value) -> Status {
          const auto version = VersionOfKey(key, kRecordPrefix);
          if (!version) {
            return Error{Reason::damage, "a round record in " + database_->path() +
                                             " has a key that names no version"};
          }
          auto record = DecodeRoundRecord(*database_, *version, value);
          MUSTER_TRY(record);
          return visit(*record);
        });
  }

  Status RunUpkeep() {
    const std::lock_guard guard(mutex_);
    return database_->FlushLog(/*merge=*/true);
  }

  std::vector<Version> HeldVersions() override {
    const std::lock_guard guard(mutex_);
    std::vector<Version> held;
    std::ranges::set_intersection(index_.stored, index_.versions, std::back_inserter(held));
    return held;
  }

 private:
  // The removal of a file is durable at once, the records of newer versions may still lie in the
  // log alone. Damage there would throw the state back to versions that are removed; so a version
  // that is held is always named by what is written out of the log.
  Status KeepWayBack(Version removed) {
    const std::lock_guard guard(mutex_);
    if (written_out_ && *written_out_ > removed) return {};
    return WriteOutLog();
  }

  // REQUIRES: mutex_ is held. Batches wait: of one that came between two families the log would
  // hold a part alone, and no database opens whose log is damaged before what one family has of it.
  Status WriteOutLog() {
    MUSTER_TRY(database_->FlushLog(/*merge=*/false));
    written_out_ = index_.head;
    log_bytes_ = 0;
    return {};
  }

  const FileSystemPtr files_;
  const std::string state_dir_;
  const std::optional<FileLock> lock_;
  const std::shared_ptr<Database> database_;
  const std::shared_ptr<Database> chunks_;  ///< The same, but for a reader beside a writer.
  const std::unique_ptr<Witness> witness_;  ///< Null in a store that was opened to be read.
  const RecoveredState recovered_;

  std::mutex mutex_;  ///< Guards what follows, and the order of batches.
  StoreIndex index_;
  std::uint64_t staged_count_ = 0;
  std::optional<Version> written_out_;  ///< Head when the log was last written out by this process.
  std::uint64_t log_bytes_ = 0;         ///< Of keys and values since then, or since the open.
};

}  // namespace

std::unique_ptr<CheckpointStore> MakeStore(StoreParts parts) {
  return std::make_unique<RocksDbStore>(std::move(parts));
}

namespace {

/// The database as it lies there, looked at without a change.
struct Look {
  std::shared_ptr<Database> database;
  std::shared_ptr<Database> chunks;
  Recovery recovery;
};

Result<Look> LookAt(const FileSystemPtr& files, const std::string& state_dir,
                    const KeyRingPtr& ring) {
  // The witness comes first: a writer beside us may write more of both meanwhile.
  auto witnessed = Witness::Read(*files, WitnessPath(state_dir));
  MUSTER_TRY(witnessed);
  // It is made before FORMAT is.
  if (!*witnessed) return Error{Reason::damage, WitnessPath(state_dir) + " is gone"};
  auto database = Database::OpenForReading(files, DatabasePath(state_dir), ring);
  MUSTER_TRY(database);
  auto batch_number = ReadBatchNumber(**database);
  MUSTER_TRY(batch_number);
  MUSTER_TRY(CheckAgainstWitness(*batch_number, *witnessed, state_dir));
  auto recovery = Recover(**database);
  MUSTER_TRY(recovery);
  MUSTER_TRY(CheckOpenRound(**database, recovery->state));
  Look look{*database, *database, std::move(*recovery)};
  if (CheckHeadIsHeld(*look.chunks, look.recovery.state)) return look;
  // A writer took a version in and committed it between our reading of the list of files and of
  // the log. A list that is read from now on has the file.
  auto again = Database::OpenForReading(files, DatabasePath(state_dir), ring);
  MUSTER_TRY(again);
  look.chunks = std::move(*again);
  auto stored = look.chunks->StoredVersions();
  MUSTER_TRY(stored);
  look.recovery.index.stored = {stored->begin(), stored->end()};
  MUSTER_TRY(CheckHeadIsHeld(*look.chunks, look.recovery.state));
  return look;
}

Result<std::unique_ptr<CheckpointStore>> OpenToRead(FileSystemPtr files,
                                                    const std::string& state_dir,
                                                    const StateKey& key) {
  MUSTER_TRY(CheckNotRestoring(*files, state_dir));
  auto format = CheckFormat(*files, state_dir);
  MUSTER_TRY(format);
  if (*format == FormatFile::missing) {
    return Error{Reason::not_found, "there is no checkpoint in " + state_dir};
  }
  auto ring = OpenKeysOf(files, state_dir, *format, key);
  MUSTER_TRY(ring);
  auto look = LookAt(files, state_dir, *ring);
  for (int opens = 1; !look && opens < kReaderOpensMax; ++opens) {
    look = LookAt(files, state_dir, *ring);
  }
  MUSTER_TRY(look);
  return MakeStore({std::move(files), state_dir, std::nullopt, std::move(look->database),
                    std::move(look->chunks), nullptr, std::move(look->recovery)});
}

/// A database without FORMAT never finished its creation, or FORMAT was lost, and then nothing may
/// be made beside it that would say less than what is lost. One that does not open yet is no
/// finished one.
Status CheckUnused(const FileSystemPtr& files, const std::string& state_dir,
                   const KeyRingPtr& ring) {
  auto exists = FileExists(*files, DatabasePath(state_dir) + "/CURRENT");
  MUSTER_TRY(exists);
  if (!*exists) return {};
  const auto database = Database::OpenForReading(files, DatabasePath(state_dir), ring);
  if (!database) return {};
  const auto batch_number = ReadBatchNumber(**database);
  MUSTER_TRY(batch_number);
  if (*batch_number == 0) return {};
  return Error{Reason::damage, FormatPath(state_dir) + " is gone from a state in use"};
}

/// Checks an old directory without changing it, and makes what a new one needs around the database.
/// FORMAT is written last, so a directory without one never finished its creation. Returns what was
/// found of it, and the keys.
struct Prepared {
  FormatFile format;
  KeyRingPtr ring;
};
Result<Prepared> PrepareDirectory(const FileSystemPtr& files, const std::string& state_dir,
                                  const StateKey& key) {
  MUSTER_TRY(CheckNotRestoring(*files, state_dir));
  auto format = CheckFormat(*files, state_dir);
  MUSTER_TRY(format);
  auto witnessed = Witness::Read(*files, WitnessPath(state_dir));
  MUSTER_TRY(witnessed);
  if (*format == FormatFile::missing && witnessed->value_or(0) > 0) {
    return Error{Reason::damage, FormatPath(state_dir) + " is gone from a state in use"};
  }
  auto ring = PrepareKeys(files, state_dir, *format, key);
  MUSTER_TRY(ring);
  if (*format != FormatFile::missing) {
    auto exists = FileExists(*files, DatabasePath(state_dir) + "/CURRENT");
    MUSTER_TRY(exists);
    if (!*exists) return Error{Reason::damage, DatabasePath(state_dir) + "/CURRENT is gone"};
    // Opening to write would throw away what lies behind a damaged place.
    MUSTER_TRY(LookAt(files, state_dir, *ring));
  } else {
    MUSTER_TRY(CheckUnused(files, state_dir, *ring));
  }
  MUSTER_TRY(MakeDirectory(*files, state_dir, DatabasePath(state_dir)));
  MUSTER_TRY(MakeDirectory(*files, state_dir, StagePath(state_dir)));
  if (!*witnessed) MUSTER_TRY(Witness::Create(*files, state_dir, WitnessPath(state_dir), 0));
  return Prepared{*format, std::move(*ring)};
}

/// Removes what a crash left: files never taken in, and chunks that no batch names. Those below
/// head are left where a loss was accepted. From the newest on, for looking whether anything is
/// left of a version reads what is above it.
Status Sweep(const FileSystemPtr& files, const std::string& state_dir, const StoreIndex& index,
             Database* database) {
  MUSTER_TRY(RemoveFilesIn(*files, StagePath(state_dir)));
  MUSTER_TRY(database->RemoveVersions(index.head ? *index.head + 1 : 0, UINT64_MAX));
  for (auto version = index.stored.rbegin(); version != index.stored.rend(); ++version) {
    if (*version > index.head || index.versions.contains(*version)) continue;
    MUSTER_TRY(database->RemoveVersions(*version, *version));
  }
  return {};
}

Result<std::unique_ptr<CheckpointStore>> OpenToWrite(FileSystemPtr files,
                                                     const std::string& state_dir, Upkeep upkeep,
                                                     const StateKey& key) {
  MUSTER_TRY(MakeDirectories(state_dir, 0700));
  auto lock = FileLock::Acquire(LockPath(state_dir));
  MUSTER_TRY(lock);
  auto prepared = PrepareDirectory(files, state_dir, key);
  MUSTER_TRY(prepared);
  auto database = Database::OpenForWriting(files, DatabasePath(state_dir), upkeep, prepared->ring);
  MUSTER_TRY(database);
  auto recovery = Recover(**database);
  MUSTER_TRY(recovery);
  MUSTER_TRY(Sweep(files, state_dir, recovery->index, database->get()));
  std::erase_if(recovery->index.stored,
                [&](Version version) { return version > recovery->index.head; });
  // Before the first batch, so that no older build meets one that it would not understand.
  const FormatFile wanted = prepared->ring ? FormatFile::encrypted : FormatFile::plain;
  if (prepared->format != wanted) MUSTER_TRY(WriteFormat(*files, state_dir, wanted));
  auto witness = Witness::Open(*files, WitnessPath(state_dir));
  MUSTER_TRY(witness);
  return MakeStore({std::move(files), state_dir, std::move(*lock), *database, *database,
                    std::move(*witness), std::move(*recovery)});
}

}  // namespace

Result<std::unique_ptr<CheckpointStore>> OpenCheckpointStoreOn(FileSystemPtr files,
                                                               const std::string& state_dir,
                                                               OpenMode mode, Upkeep upkeep,
                                                               const StateKey& key) {
  if (mode == OpenMode::read_only) return OpenToRead(std::move(files), state_dir, key);
  return OpenToWrite(std::move(files), state_dir, upkeep, key);
}

Status RunUpkeep(CheckpointStore& store) { return dynamic_cast<RocksDbStore&>(store).RunUpkeep(); }

}  // namespace checkpoint

Result<std::unique_ptr<CheckpointStore>> OpenCheckpointStore(const std::string& state_dir,
                                                             OpenMode mode, const StateKey& key) {
  return checkpoint::OpenCheckpointStoreOn(rocksdb::FileSystem::Default(), state_dir, mode,
                                           checkpoint::Upkeep::automatic, key);
}

}  // namespace muster
