// Unix sockets in directories whose paths may be longer than a socket address.
#pragma once

#include <string>

#include "common/error.h"
#include "common/file.h"

namespace muster::coordinator {

/// Binds `dir`/`name` with mode 0700 and listens, non-blocking. A file of that name is removed
/// first: REQUIRES: the caller holds the directory's lock. Errors: io_failed.
Result<FileDescriptor> ListenUnix(const std::string& dir, const std::string& name);

/// A non-blocking connection. Errors: not_found (nobody listens), busy (too many wait), io_failed.
Result<FileDescriptor> ConnectUnix(const std::string& dir, const std::string& name);

}  // namespace muster::coordinator
