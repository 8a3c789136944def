// The FORMAT file: which format the state directory has, readable before anything else is opened.
#pragma once

#include <cstdint>
#include <string>

#include "checkpoint/internal/file_system.h"
#include "common/error.h"

namespace muster::checkpoint {

/// The number grows by one with every change that an older build must not touch or cannot read.
/// 2: accepted entries outlive their round until its version is stored, and head may be unstored.
/// A directory of format 1 holds nothing that format 2 reads otherwise.
/// 3: as 2, and every value and the spool are sealed under the keys in `keys`.
enum class FormatFile : std::uint32_t { missing = 0, older = 1, plain = 2, encrypted = 3 };

/// Errors: unsupported (written by a newer build), damage (no format file of ours), io_failed.
Result<FormatFile> CheckFormat(rocksdb::FileSystem& files, const std::string& state_dir);

/// Says that the directory has this format; durable on return. Errors: disk_full, io_failed.
Status WriteFormat(rocksdb::FileSystem& files, const std::string& state_dir, FormatFile format);

/// Whether no restore was left in its middle here. Errors: restore_unfinished, io_failed.
Status CheckNotRestoring(rocksdb::FileSystem& files, const std::string& state_dir);

}  // namespace muster::checkpoint
