// One RocksDB database with our options: column families, reads by key, the errors of its disk.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/internal/key_ring.h"
#include "checkpoint/internal/keys.h"
#include "common/bytes.h"
#include "common/error.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
struct ColumnFamilyOptions;
struct Options;
class Status;
}  // namespace rocksdb

namespace muster::checkpoint {

class DiskWatch;

/// How far an open relies on what lies there. Only with `whole` a database is made.
enum class Trust : std::uint8_t {
  whole,             ///< All files that it knows must be there and in order.
  log_damaged,       ///< A writer goes on from a log that ends where it is damaged.
  versions_damaged,  ///< Files of versions may be damaged or gone: reading such a version tells.
                     ///< The log must be in order.
};

/// One key that a batch writes, or deletes.
struct KeyChange {
  Family family;
  std::string key;
  std::optional<Bytes> value;  ///< Nothing: the key goes.
};

/// Owns the open database. Values go in and come out plain; with a key ring they lie there sealed.
/// Thread-safe. A database that a full disk has stopped is closed and
/// opened again by the first write that finds room: io_failed if its log was damaged meanwhile, for
/// the batches behind that would be lost.
class Database {
 public:
  /// Opens for reading and writing, creates what is missing. Errors: state_in_use, damage,
  /// disk_full, io_failed.
  static Result<std::shared_ptr<Database>> OpenForWriting(FileSystemPtr files, std::string path,
                                                          Upkeep upkeep, KeyRingPtr ring,
                                                          Trust trust = Trust::whole);
  /// The state as it was on the disk at this moment, whether a writer is at work or not. Changes
  /// nothing on the disk. Errors: damage, io_failed.
  static Result<std::shared_ptr<Database>> OpenForReading(FileSystemPtr files, std::string path,
                                                          KeyRingPtr ring,
                                                          Trust trust = Trust::whole);
  ~Database();

  /// Nothing if there is no such key. Errors: damage, io_failed.
  Result<std::optional<std::string>> Get(Family family, std::string_view key) const;
  /// Calls `visit` for every key that starts with `prefix`, ascending; stops at its first error.
  /// `visit` must not write. Errors: damage, io_failed, those of `visit`.
  using Visit = std::function<Status(std::string_view key, ByteSpan value)>;
  Status ForEach(Family family, std::string_view prefix, const Visit& visit) const;
  /// Whether any key from `first` to `last`, both included, is there. Errors: damage, io_failed.
  Result<bool> HoldsAny(Family family, std::string_view first, std::string_view last) const;

  /// Versions that have a file, ascending, told by the files' bounds: chunks are not read.
  /// Errors: damage, io_failed.
  Result<std::vector<Version>> StoredVersions() const;

  /// Applies the changes in order and atomically. Errors: disk_full (nothing was written),
  /// io_failed: also for all calls after a failed sync.
  Status Write(const std::vector<KeyChange>& changes, bool sync);
  /// Takes over a file of sorted keys of `versions`; durable on return. Errors: as Write.
  Status Ingest(const std::string& path);
  /// Writes everything in the log out to sorted files and waits for it; with `merge`, merges these.
  /// Does nothing with a database that is not trusted as a whole. Errors: as Write.
  Status FlushLog(bool merge);
  /// Removes the chunks of versions from `first` to `last`, both included; whole files at once.
  /// Errors: as Write.
  Status RemoveVersions(Version first, Version last);

  /// What a write's outcome means: after any failed sync nothing counts but io_failed.
  Status Judge(const rocksdb::Status& status, std::string_view action);

  /// The bytes to store for a value that goes in past Write. Errors: as Write.
  Result<Bytes> Seal(Family family, std::string_view key, ByteSpan value) const;
  bool sealed() const { return ring_ != nullptr; }
  /// What SstFileWriter needs to write files for `versions`.
  rocksdb::Options VersionFileOptions() const;
  const std::string& path() const { return path_; }

 private:
  Database(FileSystemPtr files, std::string path, Upkeep upkeep, KeyRingPtr ring, Trust trust);
  rocksdb::ColumnFamilyOptions FamilyOptions(Family family) const;
  rocksdb::Options BaseOptions() const;
  Status Open(bool writing);
  void Close();
  Status ReopenIfFull();
  Status CheckLogHoldsAll();
  Status CheckRoom(std::uint64_t needed);
  Status CheckOpen() const;
  Status CheckWritable(std::string_view action);
  Error ReadError(const rocksdb::Status& status) const;
  rocksdb::ColumnFamilyHandle* Handle(Family family) const;
  Result<std::string> Unseal(Family family, std::string_view key, ByteSpan stored) const;
  Result<std::optional<std::string>> GetLocked(Family family, std::string_view key) const;
  Result<bool> HoldsAnyLocked(Family family, std::string_view first, std::string_view last) const;

  const std::string path_;
  const FileSystemPtr files_;
  const Upkeep upkeep_;
  const Trust trust_;
  const KeyRingPtr ring_;  ///< Null: values lie there as they are.
  const std::unique_ptr<rocksdb::Env> env_;
  const std::shared_ptr<DiskWatch> watch_;

  mutable std::shared_mutex mutex_;  ///< Held alone to open again, shared by all else.
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  ///< As kFamilies, then the unused default.
  std::uint64_t applied_ = 0;  ///< The newest batch when the disk was found full.
};

}  // namespace muster::checkpoint
