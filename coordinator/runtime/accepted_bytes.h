// The bytes of accepted updates, as a spool gives them back.
#pragma once

#include "aggregation/ring_sum.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/ids.h"

namespace muster::coordinator {

/// Whether `source` has the `bytes` bytes that were accepted as `id` with `digest`. They were
/// checked when they came, but they may come from an earlier life of this process, and the disk may
/// have lost them: an update that was acknowledged counts as it was, or not at all. Errors: damage
/// (other bytes; names the update), what `source` returns.
Status CheckAcceptedBytes(const UpdateSource& source, std::uint64_t bytes, const UpdateId& id,
                          const Xxh128Digest& digest);

}  // namespace muster::coordinator
