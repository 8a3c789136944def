// Computes the next version: one streaming pass, chunk after chunk.
#pragma once

#include <cstdint>
#include <functional>

#include "aggregation/ring_sum.h"
#include "aggregation/strategy.h"
#include "common/bytes.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/thread_pool.h"
#include "model/parameter_set.h"
#include "protocol/records.h"

namespace muster {

/// What the next version is a function of. All must outlive the call; none is changed.
struct VersionInputs {
  const Strategy& strategy;
  const ParameterSet& parent;  ///< Model tensors, then the strategy's server state.
  const RingSum& sum;          ///< The strategy's SingleLane; holds at least one update.
  Version version = 0;         ///< The new version's number.
};

/// Takes the chunks in order, one call at a time but from different threads; the bytes live for the
/// call. Its errors end the build.
using ChunkSink = std::function<Status(ByteSpan chunk)>;

/// Puts one chunk behind the other into `room`, which must outlive it. REQUIRES: they fit.
ChunkSink FillWithChunks(MutableByteSpan room);

/// Computes, hashes and delivers the new version in chunks of limits::kVersionChunkBytes, and
/// returns its manifest, which equals DescribeVersion of the delivered bytes. The bytes are a pure
/// function of strategy, parent and sum, whatever the threads. Memory: two chunks a thread.
/// Errors: unsupported (SingleLane), diverged (a new value is NaN or infinite; the first such
/// tensor is named), size_mismatch (parent, state or sum do not fit each other), what `sink`
/// returns. What was delivered before an error is to be thrown away.
Result<VersionManifest> BuildVersion(const VersionInputs& inputs, ThreadPool& pool,
                                     const ChunkSink& sink);

}  // namespace muster
