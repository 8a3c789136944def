#include "coordinator/core/roster_rules.h"

#include <algorithm>

#include "common/limits.h"

namespace muster::coordinator {

Result<RosterEntry> JudgeEnrolment(std::span<const RosterEntry> roster, const std::string& name,
                                   const PublicKey& key) {
  const auto holder = std::ranges::find_if(
      roster, [&](const RosterEntry& entry) { return entry.key == key && entry.name != name; });
  if (holder != roster.end()) {
    return Error{Reason::already_exists, "the key belongs to " + holder->name};
  }
  const auto named = std::ranges::find(roster, name, &RosterEntry::name);
  if (named != roster.end()) return RosterEntry{named->index, name, key, false};
  if (roster.size() >= limits::kRosterMax) {
    return Error{Reason::too_large,
                 "the roster holds " + std::to_string(limits::kRosterMax) + " names already"};
  }
  return RosterEntry{static_cast<RosterIndex>(roster.size()), name, key, false};
}

Result<RosterEntry> JudgeRevocation(std::span<const RosterEntry> roster, const std::string& name) {
  const auto named = std::ranges::find(roster, name, &RosterEntry::name);
  if (named == roster.end()) {
    return Error{Reason::not_found, "no participant is enrolled as " + name};
  }
  RosterEntry entry = *named;
  entry.revoked = true;
  return entry;
}

}  // namespace muster::coordinator
