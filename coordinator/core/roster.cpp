// Who may be here: the roster, and the operator's changes to it.
#include <algorithm>

#include "coordinator/core/impl.h"
#include "coordinator/core/roster_rules.h"

namespace muster::coordinator {

const RosterEntry* CoordinatorCore::Impl::EntryOf(const PublicKey& key) const {
  const auto found = std::find_if(roster_.begin(), roster_.end(),
                                  [&](const RosterEntry& entry) { return entry.key == key; });
  return found == roster_.end() ? nullptr : &*found;
}

std::string CoordinatorCore::Impl::NameOf(RosterIndex index) const {
  return index < roster_.size() ? roster_[index].name : "index " + std::to_string(index);
}

std::vector<RosterIndex> CoordinatorCore::Impl::Drawable() const {
  std::vector<RosterIndex> indexes;
  for (const RosterEntry& entry : roster_) {
    if (entry.revoked || !CanHold(entry.index)) continue;
    if (job_.round.select_from == SelectFrom::present && !sessions_.contains(entry.index)) continue;
    indexes.push_back(entry.index);
  }
  return indexes;
}

void CoordinatorCore::Impl::On(const EnrollRequested& request) {
  admin_queue_.push_back({request.ticket, request.name, request.key, false});
  PumpAdmin();
}

void CoordinatorCore::Impl::On(const RevokeRequested& request) {
  admin_queue_.push_back({request.ticket, request.name, {}, true});
  PumpAdmin();
}

// One request at a time: each is judged against the roster that the one before it left.
void CoordinatorCore::Impl::PumpAdmin() {
  while (!admin_in_flight_ && !admin_queue_.empty()) {
    const PendingAdmin admin = admin_queue_.front();
    admin_queue_.pop_front();
    auto entry = admin.revoke ? JudgeRevocation(roster_, admin.name)
                              : JudgeEnrolment(roster_, admin.name, admin.key);
    if (!entry.has_value()) {
      Emit(AnswerAdmin{admin.ticket, entry.error(), 0});
      continue;
    }
    admin_in_flight_ = true;
    Batch batch;
    batch.mutations.push_back(PutRosterEntry{*entry});
    PersistFor(ForRoster{*entry, admin.ticket}, std::move(batch));
  }
}

void CoordinatorCore::Impl::Release(const ForRoster& purpose) {
  admin_in_flight_ = false;
  const RosterEntry& entry = purpose.entry;
  const bool key_ended =
      entry.revoked || (entry.index < roster_.size() && roster_[entry.index].key != entry.key);
  if (entry.index < roster_.size()) {
    roster_[entry.index] = entry;
  } else {
    MUSTER_CHECK(entry.index == roster_.size(), "the roster has a hole");
    roster_.push_back(entry);
  }
  Emit(SetRoster{roster_});
  Emit(AnswerAdmin{.ticket = purpose.ticket, .index = entry.index});
  std::vector<Slot> sent;
  for (const auto& [slot, upload] : uploads_) {
    if (key_ended && upload.from == entry.index && !upload.folding) sent.push_back(slot);
  }
  for (const Slot slot : sent) DropUpload(slot);  // What is certain to count stays.
  if (const auto session = sessions_.find(entry.index); key_ended && session != sessions_.end()) {
    RefuseSession(session->second, Reason::revoked, std::nullopt, "the enrolment was revoked");
    EndSession(entry.index, Reason::revoked);
  }
  PumpAdmin();
  if (phase_ == Phase::select && !round_) RetrySelect();
  if (phase_ == Phase::report) CheckClose();
}

}  // namespace muster::coordinator
