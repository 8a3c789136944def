#include "checkpoint/retention.h"

#include <algorithm>
#include <iterator>

namespace muster {

std::vector<Version> VersionsToDrop(const std::set<Version>& held, const RetentionPolicy& policy,
                                    const std::set<Version>& pinned) {
  std::vector<Version> dropped;
  if (policy.keep_last == 0 || held.size() <= policy.keep_last) return dropped;
  const auto newest = std::prev(held.end(), static_cast<std::ptrdiff_t>(policy.keep_last));
  std::copy_if(held.begin(), newest, std::back_inserter(dropped), [&](Version version) {
    const bool every = policy.keep_every != 0 && version % policy.keep_every == 0;
    return !every && !pinned.contains(version);
  });
  return dropped;
}

std::uint64_t VersionsHeldAtATime(const RetentionPolicy& policy) {
  return std::max<std::uint64_t>(policy.keep_last, 1) + 1;
}

}  // namespace muster
