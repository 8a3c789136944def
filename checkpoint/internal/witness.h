// How far the log was synced, told beside the log. RocksDB takes damage in its log for the log's
// end and opens without a word; a log that ends before the witness is thus known to be damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint/internal/file_system.h"
#include "common/error.h"

namespace rocksdb {
class FSRandomRWFile;
}

namespace muster::checkpoint {

/// Two slots, written in turn, each with its own checksum: a torn write loses the newer one at
/// most. Never synced after its creation, so it may lag behind the log, and never leads it. Not
/// thread-safe.
class Witness {
 public:
  /// The greatest batch number told by the file; nothing without a file. Errors: damage (no slot is
  /// whole), io_failed.
  static Result<std::optional<std::uint64_t>> Read(rocksdb::FileSystem& files,
                                                   const std::string& path);

  /// Makes the file anew, telling this batch, durably. Errors: disk_full, io_failed.
  static Status Create(rocksdb::FileSystem& files, const std::string& directory,
                       const std::string& path, std::uint64_t batch_number);

  /// Opens a file that stands, for Tell. Errors: not_found, damage (too long), io_failed.
  static Result<std::unique_ptr<Witness>> Open(rocksdb::FileSystem& files, const std::string& path);
  ~Witness();

  /// REQUIRES: the batch is durable, and numbers grow. Errors: disk_full, io_failed.
  Status Tell(std::uint64_t batch_number);

 private:
  Witness(std::unique_ptr<rocksdb::FSRandomRWFile> file, std::string path, std::size_t next_slot);

  std::unique_ptr<rocksdb::FSRandomRWFile> file_;
  std::string path_;
  std::size_t next_slot_;  ///< The one that tells less.
};

}  // namespace muster::checkpoint
