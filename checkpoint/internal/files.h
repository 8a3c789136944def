// RocksDB's statuses as our errors, and small files on a rocksdb::FileSystem.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "checkpoint/internal/file_system.h"
#include "common/bytes.h"
#include "common/error.h"

namespace rocksdb {
class Status;
}

namespace muster::checkpoint {

/// What RocksDB said, as one line: it ends some texts with newlines, and breaks others.
std::string OneLine(const rocksdb::Status& status);

/// "cannot ACTION: what RocksDB said". Corruption is damage, a full device disk_full, all else
/// io_failed. REQUIRES: status is not OK.
Error ErrorOf(const rocksdb::Status& status, std::string_view action);

/// Whether the path names something. Errors: io_failed.
Result<bool> FileExists(rocksdb::FileSystem& files, const std::string& path);

/// All of a file. Errors: not_found, io_failed, damage (longer than `bytes_max`).
Result<std::string> ReadSmallFile(rocksdb::FileSystem& files, const std::string& path,
                                  std::size_t bytes_max);

/// Appears as a whole or not at all, durable on return: temporary name, sync, rename, sync of the
/// directory. Errors: disk_full, io_failed.
Status WriteSmallFile(rocksdb::FileSystem& files, const std::string& directory,
                      const std::string& path, std::string_view text);

/// Makes the names in `path` durable. Errors: io_failed.
Status SyncDirectory(rocksdb::FileSystem& files, const std::string& path);

/// Makes one directory, durably; nothing to do if it stands. Errors: disk_full, io_failed.
Status MakeDirectory(rocksdb::FileSystem& files, const std::string& parent,
                     const std::string& path);

/// Removes every file in the directory. Errors: io_failed.
Status RemoveFilesIn(rocksdb::FileSystem& files, const std::string& path);

}  // namespace muster::checkpoint
