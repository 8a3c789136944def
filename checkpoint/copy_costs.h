// What a job loses by a copy of an older version (copy_version.h) beside the versions left behind.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/store.h"
#include "common/ids.h"

namespace muster {

/// Sentences for people, without a full stop; none where the copy goes on as the source would have:
/// - where a round's number says which examples it takes (DealsByRound), those of the rounds left
///   behind and of the copy's own number count in no version that goes on;
/// - SCAFFOLD's server goes back to the source's control variate, its participants do not.
/// `state` is that of before the copy; a state without a readable job says nothing.
std::vector<std::string> CostsOfCopy(const RecoveredState& state, Version source, Version copy);

}  // namespace muster
