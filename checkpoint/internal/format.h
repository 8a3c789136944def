// The FORMAT file: which format the state directory has, readable before anything else is opened.
#pragma once

#include <cstdint>
#include <string>

#include "checkpoint/internal/file_system.h"
#include "common/error.h"

namespace muster::checkpoint {

/// Grows by one with every change that an older build must not touch or cannot read.
inline constexpr std::uint32_t kStoreFormat = 1;

enum class FormatFile : std::uint8_t { missing, current };

/// Errors: unsupported (written by a newer build), damage (no format file of ours), io_failed.
Result<FormatFile> CheckFormat(rocksdb::FileSystem& files, const std::string& state_dir);

/// Durable on return. Errors: disk_full, io_failed.
Status WriteFormat(rocksdb::FileSystem& files, const std::string& state_dir);

}  // namespace muster::checkpoint
