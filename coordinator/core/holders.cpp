// Who holds which slot. Sessions, uploads, grants and tasks are a holder's; what was accepted,
// refused and committed is a slot's. Of private data a participant holds the slot of its own index;
// of elastic data whoever has its lease (leases.cpp).
#include <algorithm>

#include "coordinator/core/impl.h"

namespace muster::coordinator {

// Whether it can have work at all.
bool CoordinatorCore::Impl::CanHold(RosterIndex index) const {
  return Elastic() || index < job_.data.parts;
}

// Whether an update of the slot can be its.
bool CoordinatorCore::Impl::MayHold(RosterIndex index, Slot slot) const {
  return Elastic() || index == slot;
}

// The slot of the open round that it is asked for.
std::optional<Slot> CoordinatorCore::Impl::SlotOf(RosterIndex holder) const {
  if (!round_) return std::nullopt;
  if (!Elastic()) return IsAsked(holder) ? std::optional(Slot{holder}) : std::nullopt;
  const auto& leases = round_->leases;
  const auto found = std::find_if(leases.begin(), leases.end(), [holder](const auto& entry) {
    return entry.second.holder == holder;
  });
  return found == leases.end() ? std::nullopt : std::optional(found->first);
}

// Of whom an update of the open round's slot is awaited.
std::optional<RosterIndex> CoordinatorCore::Impl::HolderOf(Slot slot) const {
  if (!Elastic()) return RosterIndex{slot};
  const auto found = round_->leases.find(slot);
  return found == round_->leases.end() ? std::nullopt : std::optional(found->second.holder);
}

// The update that a slot of the open round asks for.
UpdateId CoordinatorCore::Impl::IdOf(Slot slot) const {
  return {lineage_.id.number, round_->record.round, slot, 0};
}

// Whether the open round wants nothing more of the slot. In async it takes another update.
bool CoordinatorCore::Impl::IsAccepted(Slot slot) const {
  return !Async() && round_->accepted.contains(IdOf(slot));
}

bool CoordinatorCore::Impl::IsRefused(Slot slot, RosterIndex holder) const {
  return round_->refused.contains({slot, holder});
}

// What may come of the slot, of private data or of one block: whoever is away may come.
void CoordinatorCore::Impl::AddReach(Slot slot, Reach& reach) const {
  bool fillable = IsAccepted(slot);
  bool too_large = false;
  for (const RosterEntry& entry : roster_) {
    if (fillable) break;
    if (entry.revoked || !CanHold(entry.index) || !MayHold(entry.index, slot)) continue;
    const auto refused = round_->refused.find({slot, entry.index});
    fillable = refused == round_->refused.end() || FitsUnderCap(refused->second);
    too_large = too_large || (!fillable && refused->second.reason == Reason::out_of_bound);
  }
  reach.updates += fillable;
  reach.too_large += !fillable && too_large;
}

// Whether somebody may be asked for the slot in this attempt.
bool CoordinatorCore::Impl::IsFillable(Slot slot) const {
  if (IsAccepted(slot)) return false;
  if (!Elastic()) {
    return slot < roster_.size() && !roster_[slot].revoked && !IsRefused(slot, slot);
  }
  return !AwaitsBounds(slot) &&
         std::any_of(roster_.begin(), roster_.end(), [&](const RosterEntry& entry) {
           return !entry.revoked && !IsRefused(slot, entry.index);
         });
}

}  // namespace muster::coordinator
