// Computes the next version from its parent and the sum of its updates.
#pragma once

#include "aggregation/ring_sum.h"
#include "aggregation/strategy.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/thread_pool.h"
#include "model/parameter_set.h"
#include "protocol/records.h"

namespace muster {

/// What the next version is a function of. All must outlive the call; none is changed.
struct VersionInputs {
  const Strategy& strategy;
  const ParameterSet& parent;     ///< Model tensors, then the strategy's server state.
  const RingSum& sum;             ///< Of the strategy's LanesOf; holds at least one update.
  Version version = 0;            ///< The new version's number.
  std::uint32_t full_factor = 1;  ///< FullFactor of the job.
};

struct BuiltVersion {
  VersionManifest manifest;
  Xxh128Digest model_digest{};  ///< Of what is downloaded: DownloadLayout.
};

/// Computes the new version straight in its place, `next`, and returns what DescribeVersion would
/// say of it. The bytes are a pure function of strategy, parent, sum and full factor, whatever the
/// threads.
/// Errors: unsupported (LanesOf), diverged (a new value is NaN or infinite; the first such
/// tensor is named), size_mismatch (parent, state or sum do not fit each other). What `next` then
/// holds is to be thrown away.
/// REQUIRES: `next` has the parent's layout and is not the parent.
Result<BuiltVersion> BuildVersion(const VersionInputs& inputs, ThreadPool& pool,
                                  ParameterSet& next);

}  // namespace muster
