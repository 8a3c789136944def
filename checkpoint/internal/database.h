// One RocksDB database with our options: column families, reads by key, the errors of its disk.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/internal/keys.h"
#include "common/bytes.h"
#include "common/error.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Logger;
struct Options;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace muster::checkpoint {

class DiskWatch;

/// Owns the open database. Thread-safe.
class Database {
 public:
  /// Opens for reading and writing, creates what is missing. Errors: state_in_use, damage,
  /// disk_full, io_failed.
  static Result<std::shared_ptr<Database>> OpenForWriting(FileSystemPtr files, std::string path);
  /// The state as it was on the disk at this moment, whether a writer is at work or not. Changes
  /// nothing on the disk. Errors: damage, io_failed.
  static Result<std::shared_ptr<Database>> OpenForReading(FileSystemPtr files, std::string path);
  ~Database();

  /// Nothing if there is no such key. Errors: damage, io_failed.
  Result<std::optional<std::string>> Get(Family family, std::string_view key) const;
  /// Calls `visit` for every key that starts with `prefix`, ascending; stops at its first error.
  /// Errors: damage, io_failed, those of `visit`.
  using Visit = std::function<Status(std::string_view key, ByteSpan value)>;
  Status ForEach(Family family, std::string_view prefix, const Visit& visit) const;
  /// Whether any key from `first` to `last`, both included, is there. Errors: damage, io_failed.
  Result<bool> HoldsAny(Family family, std::string_view first, std::string_view last) const;

  /// Applies the batch atomically. Errors: disk_full (nothing was written), io_failed: also for all
  /// calls after a failed sync.
  Status Write(rocksdb::WriteBatch* batch, bool sync);
  /// Takes over a file of sorted keys of `versions`; durable on return. Errors: as Write.
  Status Ingest(const std::string& path);
  /// Removes the chunks of versions from `first` to `last`, both included; whole files at once.
  /// Errors: as Write.
  Status RemoveVersions(Version first, Version last);

  /// What a write's outcome means: after any failed sync nothing counts but io_failed.
  Status Judge(const rocksdb::Status& status, std::string_view action);

  rocksdb::ColumnFamilyHandle* Handle(Family family) const;
  /// What SstFileWriter needs to write files for `versions`.
  rocksdb::Options VersionFileOptions() const;
  const std::string& path() const { return path_; }

 private:
  Database(FileSystemPtr files, std::string path);
  rocksdb::Options BaseOptions() const;
  Status Open(bool writing);
  /// After disk_full RocksDB refuses writes until it is told to go on. REQUIRES: write_mutex_.
  Status ResumeIfFull();
  /// Keeps the log short, and a key in memory for ResumeIfFull. REQUIRES: write_mutex_.
  Status PrepareLog();

  std::string path_;
  FileSystemPtr files_;
  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<DiskWatch> watch_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  ///< As kFamilies, then the unused default.

  std::mutex write_mutex_;          ///< Guards what follows, and the order of log appends.
  std::uint64_t log_bytes_ = 0;     ///< Written since the last flush of all families.
  bool resumable_ = false;          ///< A key lies in memory; see PrepareLog.
  std::atomic<bool> full_ = false;  ///< The one that may be set without the mutex.
};

}  // namespace muster::checkpoint
