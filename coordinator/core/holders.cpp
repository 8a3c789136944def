// Who holds which slot. Sessions, uploads, grants and tasks are a holder's; what was accepted,
// refused and committed is a slot's.
#include "coordinator/core/impl.h"

namespace muster::coordinator {

// Whether it can have work at all.
bool CoordinatorCore::Impl::CanHold(RosterIndex index) const { return index < job_.data.parts; }

// Whether an update of the slot can be its.
bool CoordinatorCore::Impl::MayHold(RosterIndex index, Slot slot) const { return index == slot; }

// The slot of the open round that it is asked for.
std::optional<Slot> CoordinatorCore::Impl::SlotOf(RosterIndex holder) const {
  if (!round_ || !IsAsked(holder)) return std::nullopt;
  return Slot{holder};
}

// Of whom an update of the open round's slot is awaited.
std::optional<RosterIndex> CoordinatorCore::Impl::HolderOf(Slot slot) const {
  return RosterIndex{slot};
}

bool CoordinatorCore::Impl::IsRefused(Slot slot, RosterIndex holder) const {
  return round_->refused.contains({slot, holder});
}

}  // namespace muster::coordinator
