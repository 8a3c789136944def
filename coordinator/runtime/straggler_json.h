// Who was behind the others, for the last event of a run.
#pragma once

#include <cstddef>
#include <string>

#include "coordinator/core/status.h"

namespace muster::coordinator {

/// A member whose updates typically took so many percent of the median of all, or more, is behind.
inline constexpr std::int64_t kStragglerPercent = 200;
/// So many are named, those who missed most deadlines first, then the slowest.
inline constexpr std::size_t kStragglersNamedMax = 16;

/// {"median_ms","members":[{"name","updates","typical_ms","percent_of_median","late","missed"}],
/// "more"}: the members that are behind, whose rounds closed without them, or that missed a
/// deadline; `more` counts those not named. Of this process alone: a restart forgets. median_ms,
/// typical_ms and percent_of_median are null where no update was seen.
std::string StragglersJson(const StatusView& view);

}  // namespace muster::coordinator
