// Files that hold a secret: for their owner's eyes only.
#pragma once

#include <cstddef>
#include <string>

#include "common/error.h"
#include "common/secret.h"

namespace muster {

/// All of a regular file that nobody but its owner can read. Errors: not_found, file_unreadable,
/// file_malformed (no regular file, or longer than `bytes_max`), config_invalid (open to others).
Result<SecretBytes> ReadSecretFile(const std::string& path, std::size_t bytes_max);

}  // namespace muster
