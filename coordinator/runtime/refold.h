// Computes a committed version again from its definition: parent, record and updates.
#pragma once

#include <functional>

#include "aggregation/ring_sum.h"
#include "aggregation/strategy.h"
#include "common/error.h"
#include "common/thread_pool.h"
#include "model/job.h"
#include "model/parameter_set.h"
#include "protocol/records.h"

namespace muster::coordinator {

/// Where the bytes of one accepted update come from.
using UpdateBytes = std::function<Result<UpdateSource>(const RecordedUpdate& update)>;

/// The version that follows from `parent` and `record`, model and server state. Checks the bytes of
/// each update against the record, and the result against the record's digest.
/// Errors: damage (either of them differs), what `updates` returns.
Result<ParameterSet> RefoldVersion(const JobSpec& job, const Strategy& strategy,
                                   const ParameterSet& parent, const RoundRecord& record,
                                   const UpdateBytes& updates, ThreadPool& pool);

}  // namespace muster::coordinator
