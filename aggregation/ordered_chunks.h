// Chunks computed in several threads and handed on in order.
#pragma once

#include <cstddef>
#include <functional>

#include "common/bytes.h"
#include "common/error.h"
#include "common/thread_pool.h"

namespace muster {

/// Calls compute(i, chunk) for i in 0 ... count - 1 in the pool's threads, and deliver(chunk) for
/// each in ascending order of i, one call at a time, from whichever thread is free to. `chunk` is a
/// buffer of unspecified content and size. At most two chunks a thread exist at a time. Returns the
/// error that comes first in the order of the chunks, whatever the timing; later chunks are then
/// not delivered.
Status DeliverInOrder(ThreadPool& pool, std::size_t count,
                      const std::function<Status(std::size_t index, Bytes& chunk)>& compute,
                      const std::function<Status(ByteSpan chunk)>& deliver);

}  // namespace muster
