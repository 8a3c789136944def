// The bytes of offered updates, as a spool gives them back.
#pragma once

#include "aggregation/ring_sum.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/ids.h"

namespace muster::coordinator {

/// Whether `source` has the `bytes` bytes that were offered as `id` with `digest`. They were
/// checked when they came, but they may come from an earlier life of this process, and the disk may
/// have lost them: an update counts as it was offered, or not at all. It may be acknowledged
/// already, or its accept be on its way to the disk. Errors: damage (other bytes; names the
/// update), what `source` returns.
Status CheckAcceptedBytes(const UpdateSource& source, std::uint64_t bytes, const UpdateId& id,
                          const Xxh128Digest& digest);

}  // namespace muster::coordinator
