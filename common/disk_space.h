// How full a volume is.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"

namespace muster {

/// Bytes that this process may still write on the volume of `path`. Errors: io_failed.
Result<std::uint64_t> FreeBytes(const std::string& path);

/// Bytes that a file, or a directory with all that it holds, occupies on its volume; 0 if there is
/// none. What goes while it is counted counts as gone.
std::uint64_t OccupiedBytes(const std::string& path);

}  // namespace muster
