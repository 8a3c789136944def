#include "checkpoint/internal/database.h"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/listener.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <set>
#include <utility>

#include "checkpoint/internal/files.h"
#include "checkpoint/internal/value_seal.h"
#include "common/limits.h"

namespace muster::checkpoint {
namespace {

// Metadata alone goes through log and memtables: a few kilobytes a round.
constexpr std::size_t kMemtableBytes = 4U << 20;
constexpr std::uint64_t kLogBytesMax = 8U << 20;
// Opening writes what is in the log to sorted files, and a new log.
constexpr std::uint64_t kRoomToReopenBytes = 2 * kLogBytesMax;
// Upkeep::eager: log bytes that make a flush, and flushed files that make a merge.
constexpr std::uint64_t kEagerLogBytesMax = 4U << 10;
constexpr int kEagerFilesMax = 2;
constexpr std::size_t kInfoLogBytesMax = 1U << 20;
constexpr std::size_t kInfoLogsKept = 3;
constexpr std::uint32_t kProtectionBytes = 8;
// Starts the disk early, so that the final sync of a version finds little left to do.
constexpr std::uint64_t kBytesPerSync = 8U << 20;

rocksdb::Slice SliceOf(std::string_view text) { return {text.data(), text.size()}; }

rocksdb::ColumnFamilyOptions MetadataOptions() {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = kMemtableBytes;
  options.compression = rocksdb::kNoCompression;
  options.memtable_protection_bytes_per_key = kProtectionBytes;
  return options;
}

rocksdb::ColumnFamilyOptions VersionsOptions() {
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;                    // A version is read once from end to end.
  table.block_size = limits::kVersionChunkBytes;  // A block is a chunk.
  rocksdb::ColumnFamilyOptions options = MetadataOptions();
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.disable_auto_compactions = true;  // Each version stays the file that it was written as.
  return options;
}

// RocksDB's log of a reader would rename that of the writer beside it.
class SilentLogger : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

/// Hears of damage that RocksDB passes over in its log.
class LogWatch : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list /*arguments*/) override {
    if (std::string_view(format).find("dropping") != std::string_view::npos) dropped = true;
  }
  std::atomic<bool> dropped = false;
};

}  // namespace

// Tells failed syncs from failed writes, which RocksDB's statuses do not; notes a disk that is
// full, and leaves the recovery from it to the next write.
class DiskWatch : public rocksdb::EventListener {
 public:
  bool ShouldBeNotifiedOnFileIO() override { return true; }
  void OnIOError(const rocksdb::IOErrorInfo& info) override {
    using rocksdb::FileOperationType;
    if (info.operation == FileOperationType::kSync || info.operation == FileOperationType::kFsync) {
      sync_failed = true;
    }
  }
  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* status) override {
    if (status->IsNoSpace()) full = true;
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

  std::atomic<bool> sync_failed = false;  ///< For ever.
  std::atomic<bool> full = false;         ///< Until the database was opened again.
};

Database::Database(FileSystemPtr files, std::string path, Upkeep upkeep, KeyRingPtr ring,
                   Trust trust)
    : path_(std::move(path)),
      files_(std::move(files)),
      upkeep_(upkeep),
      trust_(trust),
      ring_(std::move(ring)),
      env_(rocksdb::NewCompositeEnv(files_)),
      watch_(std::make_shared<DiskWatch>()) {}

Database::~Database() { Close(); }

void Database::Close() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  handles_.clear();
  // A failing close loses nothing that a crash would not.
  (void)db_->Close().ok();
  db_.reset();
}

rocksdb::Options Database::BaseOptions() const {
  rocksdb::Options options;
  options.env = env_.get();
  options.listeners = {watch_};
  // Absolute consistency would refuse the torn tail that a plain SIGKILL leaves.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;
  options.paranoid_checks = true;
  options.max_total_wal_size = upkeep_ == Upkeep::eager ? kEagerLogBytesMax : kLogBytesMax;
  options.avoid_flush_during_shutdown = true;  // The log has it all.
  options.max_open_files = limits::kStoreFilesMax;
  options.skip_stats_update_on_db_open = true;
  options.max_log_file_size = kInfoLogBytesMax;
  options.keep_log_file_num = kInfoLogsKept;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_bgerror_resume_count = 0;
  options.bytes_per_sync = kBytesPerSync;
  return options;
}

rocksdb::Options Database::VersionFileOptions() const {
  return rocksdb::Options(BaseOptions(), VersionsOptions());
}

rocksdb::ColumnFamilyOptions Database::FamilyOptions(Family family) const {
  rocksdb::ColumnFamilyOptions options =
      family == Family::versions ? VersionsOptions() : MetadataOptions();
  if (upkeep_ == Upkeep::by_hand) options.disable_auto_compactions = true;
  if (upkeep_ == Upkeep::eager) options.level0_file_num_compaction_trigger = kEagerFilesMax;
  return options;
}

Status Database::Open(bool writing) {
  rocksdb::DBOptions options = BaseOptions();
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const Family family : kFamilies) {
    families.emplace_back(std::string(FamilyName(family)), FamilyOptions(family));
  }
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, MetadataOptions());
  rocksdb::DB* db = nullptr;
  rocksdb::Status status;
  const bool whole = trust_ == Trust::whole;
  const auto log_watch = std::make_shared<LogWatch>();
  // Otherwise an open wants all files of versions. Without it, it goes on behind damage in the log.
  options.paranoid_checks = trust_ != Trust::versions_damaged;
  if (!whole) options.info_log = log_watch;
  if (writing) {
    options.create_if_missing = options.create_missing_column_families = whole;
    // The manifest's list of logs is given up if one of them is gone; a writer alone can do that.
    options.track_and_verify_wals_in_manifest = whole;
    status = rocksdb::DB::Open(options, path_, families, &handles_, &db);
  } else {
    if (whole) options.info_log = std::make_shared<SilentLogger>();
    status = rocksdb::DB::OpenForReadOnly(options, path_, families, &handles_, &db);
  }
  db_.reset(db);
  if (status.ok() && !options.paranoid_checks && log_watch->dropped) {
    status = rocksdb::Status::Corruption("files of versions and the log are damaged both");
    Close();
  }
  if (status.ok()) return {};
  handles_.clear();
  Error error = ErrorOf(status, "open " + path_);
  // CURRENT is there, so all that it leads to should be. (A reader's writer may have moved on.)
  if (status.IsPathNotFound()) error.reason = Reason::damage;
  // Our own lock comes first; this one is held by a tool of RocksDB's.
  if (status.ToString().find("/LOCK: ") != std::string::npos) error.reason = Reason::state_in_use;
  return error;
}

Result<std::shared_ptr<Database>> Database::OpenForWriting(FileSystemPtr files, std::string path,
                                                           Upkeep upkeep, KeyRingPtr ring,
                                                           Trust trust) {
  std::shared_ptr<Database> database(
      new Database(std::move(files), std::move(path), upkeep, std::move(ring), trust));
  MUSTER_TRY(database->Open(/*writing=*/true));
  return database;
}

Result<std::shared_ptr<Database>> Database::OpenForReading(FileSystemPtr files, std::string path,
                                                           KeyRingPtr ring, Trust trust) {
  std::shared_ptr<Database> database(
      new Database(std::move(files), std::move(path), Upkeep::automatic, std::move(ring), trust));
  MUSTER_TRY(database->Open(/*writing=*/false));
  return database;
}

rocksdb::ColumnFamilyHandle* Database::Handle(Family family) const {
  return handles_[static_cast<std::size_t>(family)];
}

Status Database::CheckOpen() const {
  if (db_) return {};
  return Error{Reason::io_failed, path_ + " could not be opened again after the disk was full"};
}

// Asked under the lock: since ReopenIfFull, another thread may have found the disk full and failed
// to open the database again, which then serves reads alone or is not there.
Status Database::CheckWritable(std::string_view action) {
  if (!watch_->full) return {};
  return Judge(rocksdb::Status::NoSpace("the disk was full a moment ago"), action);
}

// Beside a writer a file may be gone because it was merged; in a damaged state nobody merges.
Error Database::ReadError(const rocksdb::Status& status) const {
  Error error = ErrorOf(status, "read " + path_);
  if (trust_ == Trust::versions_damaged && status.IsPathNotFound()) error.reason = Reason::damage;
  return error;
}

// --- Reads ---------------------------------------------------------------------------------------

Result<std::optional<std::string>> Database::Get(Family family, std::string_view key) const {
  const std::shared_lock guard(mutex_);
  return GetLocked(family, key);
}

Result<std::optional<std::string>> Database::GetLocked(Family family, std::string_view key) const {
  MUSTER_TRY(CheckOpen());
  std::string value;
  const rocksdb::Status status = db_->Get({}, Handle(family), SliceOf(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return ReadError(status);
  if (!sealed()) return std::optional<std::string>(std::move(value));
  auto plain = Unseal(family, key, AsBytes(value));
  MUSTER_TRY(plain);
  return std::optional<std::string>(std::move(*plain));
}

Status Database::ForEach(Family family, std::string_view prefix, const Visit& visit) const {
  const std::shared_lock guard(mutex_);
  MUSTER_TRY(CheckOpen());
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, Handle(family)));
  for (it->Seek(SliceOf(prefix)); it->Valid() && it->key().starts_with(SliceOf(prefix));
       it->Next()) {
    const std::string_view key = it->key().ToStringView();
    const ByteSpan stored = AsBytes(it->value().ToStringView());
    if (!sealed()) {
      MUSTER_TRY(visit(key, stored));
      continue;
    }
    auto plain = Unseal(family, key, stored);
    MUSTER_TRY(plain);
    MUSTER_TRY(visit(key, AsBytes(*plain)));
  }
  if (!it->status().ok()) return ReadError(it->status());
  return {};
}

Result<bool> Database::HoldsAny(Family family, std::string_view first,
                                std::string_view last) const {
  const std::shared_lock guard(mutex_);
  return HoldsAnyLocked(family, first, last);
}

Result<bool> Database::HoldsAnyLocked(Family family, std::string_view first,
                                      std::string_view last) const {
  MUSTER_TRY(CheckOpen());
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, Handle(family)));
  it->Seek(SliceOf(first));
  if (!it->status().ok()) return ReadError(it->status());
  return it->Valid() && it->key().compare(SliceOf(last)) <= 0;
}

Result<std::string> Database::Unseal(Family family, std::string_view key, ByteSpan stored) const {
  auto value = OpenValue(*ring_, family, key, stored);
  if (value) return value;
  return Error{value.error().reason, "key " + KeyText(key) + " of " +
                                         std::string(FamilyName(family)) + " in " + path_ + ": " +
                                         value.error().message};
}

Result<std::vector<Version>> Database::StoredVersions() const {
  const std::shared_lock guard(mutex_);
  MUSTER_TRY(CheckOpen());
  rocksdb::ColumnFamilyMetaData family;
  db_->GetColumnFamilyMetaData(Handle(Family::versions), &family);
  std::set<Version> versions;
  for (const rocksdb::LevelMetaData& level : family.levels) {
    for (const rocksdb::SstFileMetaData& file : level.files) {
      const auto first = VersionOfChunkKey(file.smallestkey);
      const auto last = VersionOfChunkKey(file.largestkey);
      if (!first || !last) {
        return Error{Reason::damage, path_ + file.name + " is bounded by keys that are no chunk's"};
      }
      // A version is a file of its own. What else there is, in level 0, says that some are gone.
      const bool whole = level.level > 0 && *first == *last;
      for (const Version version : {*first, *last}) {
        auto held = whole ? Result<bool>(true)
                          : HoldsAnyLocked(Family::versions, ChunkKey(version, 0),
                                           ChunkKey(version, kChunkIndexLast));
        MUSTER_TRY(held);
        if (*held) versions.insert(version);
      }
    }
  }
  return std::vector<Version>(versions.begin(), versions.end());
}

// --- Writes --------------------------------------------------------------------------------------

// Not DB::Resume, which in RocksDB 7.8 goes on behind a torn log if its memtables are empty, waits
// for ever if a flush was on its way when the disk was found full, and after which a flush that
// should wait does not. Opening takes the way of every start after a crash.
Status Database::ReopenIfFull() {
  if (!watch_->full) return {};
  MUSTER_TRY(CheckRoom(kRoomToReopenBytes));
  const std::unique_lock guard(mutex_);
  if (!watch_->full) return {};
  MUSTER_TRY(CheckLogHoldsAll());
  Close();
  const Status opened = Open(/*writing=*/true);
  if (opened) {
    watch_->full = false;
    return {};
  }
  // Reads go on meanwhile, and the next write tries again.
  MUSTER_TRY(Open(/*writing=*/false));
  return opened;
}

Status Database::Judge(const rocksdb::Status& status, std::string_view action) {
  if (watch_->sync_failed) {
    return Error{Reason::io_failed, "a sync in " + path_ +
                                        " failed, so what the disk holds is unknown; restart to "
                                        "go on from what it does hold (" +
                                        OneLine(status) + ")"};
  }
  if (status.ok()) return {};
  Error error = ErrorOf(status, action);
  if (status.IsNoSpace()) {
    watch_->full = true;
  } else {
    // Damage met while writing leaves the outcome as open as a failed write does.
    error.reason = Reason::io_failed;
  }
  return error;
}

Result<Bytes> Database::Seal(Family family, std::string_view key, ByteSpan value) const {
  MUSTER_CHECK(sealed(), "a value sealed for a database in plain bytes");
  auto data_key = ring_->Take(1);
  MUSTER_TRY(data_key);
  return SealValue(ring_->state_id(), **data_key, family, key, value);
}

Status Database::Write(const std::vector<KeyChange>& changes, bool sync) {
  MUSTER_TRY(ReopenIfFull());
  const std::string action = "write a batch to " + path_;
  const std::shared_lock guard(mutex_);
  MUSTER_TRY(CheckWritable(action));
  rocksdb::WriteBatch batch;
  rocksdb::Status status;
  Bytes sealed_value;
  for (const KeyChange& change : changes) {
    rocksdb::ColumnFamilyHandle* const family = Handle(change.family);
    const Bytes* value = change.value ? &*change.value : nullptr;
    if (value != nullptr && sealed()) {
      auto stored = Seal(change.family, change.key, *value);
      MUSTER_TRY(stored);
      sealed_value = std::move(*stored);
      value = &sealed_value;
    }
    status = value != nullptr ? batch.Put(family, change.key, SliceOf(AsText(*value)))
                              : batch.Delete(family, change.key);
    MUSTER_CHECK(status.ok(), "a batch in memory refuses a key");
  }
  rocksdb::WriteOptions options;
  options.sync = sync;
  options.protection_bytes_per_key = kProtectionBytes;
  return Judge(db_->Write(options, &batch), action);
}

Status Database::Ingest(const std::string& path) {
  MUSTER_TRY(ReopenIfFull());
  const std::string action = "take " + path + " into " + path_;
  const std::shared_lock guard(mutex_);
  MUSTER_TRY(CheckWritable(action));
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  options.failed_move_fall_back_to_copy = false;
  options.write_global_seqno = false;
  return Judge(db_->IngestExternalFile(Handle(Family::versions), {path}, options), action);
}

Status Database::FlushLog(bool merge) {
  // Without paranoid checks RocksDB passes over a flush that fails, and who waits for it waits for
  // ever. From a damaged database only what is damaged is removed: no way back needs the log.
  if (trust_ != Trust::whole) return {};
  MUSTER_TRY(ReopenIfFull());
  const std::string action = "write out the log of " + path_;
  const std::shared_lock guard(mutex_);
  MUSTER_TRY(CheckWritable(action));
  for (const Family family : kFamilies) {
    // Versions are not to be merged: each stays the file that it was written as.
    if (family == Family::versions) continue;
    MUSTER_TRY(Judge(db_->Flush({}, Handle(family)), action));
    if (!merge) continue;
    MUSTER_TRY(Judge(db_->CompactRange({}, Handle(family), nullptr, nullptr), action));
  }
  return {};
}

Status Database::RemoveVersions(Version first, Version last) {
  MUSTER_TRY(ReopenIfFull());
  const std::string action = "remove versions from " + path_;
  const std::shared_lock guard(mutex_);
  MUSTER_TRY(CheckWritable(action));
  rocksdb::ColumnFamilyHandle* const versions = Handle(Family::versions);
  const std::string first_key = ChunkKey(first, 0);
  const std::string last_key = ChunkKey(last, kChunkIndexLast);
  const rocksdb::Slice begin(first_key);
  const rocksdb::Slice end(last_key);
  MUSTER_TRY(Judge(rocksdb::DeleteFilesInRange(db_.get(), versions, &begin, &end), action));
  auto left = HoldsAnyLocked(Family::versions, first_key, last_key);
  MUSTER_TRY(left);
  if (!*left) return {};
  // A file that RocksDB would not drop whole, as one in level 0.
  return Judge(db_->DeleteRange({}, versions, begin, last_key + '\0'), action);
}

}  // namespace muster::checkpoint
