// The FORMAT file: which format the state directory has, readable before anything else is opened.
#pragma once

#include <cstdint>
#include <string>

#include "checkpoint/internal/file_system.h"
#include "common/error.h"

namespace muster::checkpoint {

/// Grows by one with every change that an older build must not touch or cannot read.
/// 2: accepted entries outlive their round until its version is stored, and head may be unstored.
/// A directory of format 1 holds nothing that format 2 reads otherwise.
inline constexpr std::uint32_t kStoreFormat = 2;

enum class FormatFile : std::uint8_t { missing, older, current };

/// Errors: unsupported (written by a newer build), damage (no format file of ours), io_failed.
Result<FormatFile> CheckFormat(rocksdb::FileSystem& files, const std::string& state_dir);

/// Says that the directory has this build's format; durable on return. Errors: disk_full,
/// io_failed.
Status WriteFormat(rocksdb::FileSystem& files, const std::string& state_dir);

}  // namespace muster::checkpoint
