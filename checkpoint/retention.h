// Which versions are held whole: a pure rule, of which the coordinator's core decides the moment.
// Records, manifests and fates are never pruned.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "common/ids.h"

namespace muster {

struct RetentionPolicy {
  std::uint64_t keep_last = 10;  ///< So many of the newest versions are held; 0: all.
  std::uint64_t keep_every = 0;  ///< Besides, each version whose number it divides; 0: none.
};

/// Those of `held` that go, ascending: not among the newest, not an every-so-manieth, not pinned.
/// The newest of all stays whatever the policy says.
std::vector<Version> VersionsToDrop(const std::set<Version>& held, const RetentionPolicy& policy,
                                    const std::set<Version>& pinned);

/// How many versions the policy asks room for at a time: those that it keeps by age and the one
/// that is being written before the oldest goes; at least two. What is kept besides (all, or every
/// so manieth) grows with the rounds and is not counted.
std::uint64_t VersionsHeldAtATime(const RetentionPolicy& policy);

}  // namespace muster
