// The digest of an update that lies somewhere to be read again.
#pragma once

#include <cstdint>

#include "aggregation/ring_sum.h"
#include "common/digest.h"
#include "common/error.h"

namespace muster {

/// Of the first `bytes` bytes that `source` gives, read piece after piece. Errors: what it returns.
Result<Xxh128Digest> UpdateDigest(const UpdateSource& source, std::uint64_t bytes);

}  // namespace muster
