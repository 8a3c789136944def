#include "coordinator/core/turns.h"

#include <algorithm>

namespace muster::coordinator {

void Turns::OnMissed(RosterIndex member, std::size_t members) {
  Member& by = members_[member];
  by.place = next_ + (std::uint64_t{members} << std::min(by.missed, kDoublingsMax));
  ++by.missed;
}

void Turns::OnAccepted(RosterIndex member) {
  Member& by = members_[member];
  by.missed = 0;
  by.yields = 0;
}

std::uint64_t Turns::PlaceOf(RosterIndex member) const {
  const auto found = members_.find(member);
  return found == members_.end() ? 0 : found->second.place;
}

std::uint32_t Turns::YieldsOf(RosterIndex member) const {
  const auto found = members_.find(member);
  return found == members_.end() ? 0 : found->second.yields;
}

}  // namespace muster::coordinator
