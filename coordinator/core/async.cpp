// Buffered asynchronous rounds (after Nguyen 2022, "Federated Learning with Buffered Asynchronous
// Aggregation", algorithm 1). The open round is the buffer: what is accepted counts in it,
// whichever version it was trained on, and counts less the staler that is. Nobody is drawn. Whoever
// is here and free is given a task on the newest version, and tasks, uploads and offers outlive the
// commit: an extent of the spool stays with its upload until that is accepted or refused, in
// whatever round it is by then.
//
// A task's id is (lineage, base version, slot, how many updates of the slot on that base were
// accepted before). So it follows from what is durable, and a slot's ids only grow.
#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "coordinator/core/impl.h"

namespace muster::coordinator {

bool CoordinatorCore::Impl::Async() const { return job_.round.mode == Mode::async; }

bool CoordinatorCore::Impl::TakesStale() const { return !staleness_.empty(); }

// What the update's weight is multiplied by in the open round.
std::uint32_t CoordinatorCore::Impl::FactorOf(Version base) const {
  if (!TakesStale()) return 1;
  const Version staleness = round_->record.parent - base;
  return staleness_[std::min<Version>(staleness, staleness_.size() - 1)];
}

// Of all that were accepted of the slot the last one: its ids only grow.
std::optional<UpdateId> CoordinatorCore::Impl::LastAccepted(Slot slot) const {
  std::optional<UpdateId> last;
  const auto fate = fates_.find(slot);
  if (fate != fates_.end() && fate->second.committed) last = fate->second.id;
  if (round_) {
    for (const auto& [id, update] : round_->accepted) {
      if (id.slot == slot && (!last || id > *last)) last = id;
    }
  }
  return last;
}

// The task number of the slot's next update on this base; nothing if its updates are past it.
std::optional<Task> CoordinatorCore::Impl::NextTask(Slot slot, Version base) const {
  const std::optional<UpdateId> last = LastAccepted(slot);
  if (!last || last->lineage != lineage_.id.number || base > last->round) return 0;
  if (base < last->round) return std::nullopt;
  return last->task + 1;
}

UpdateId CoordinatorCore::Impl::NextIdOf(Slot slot) const {
  const std::optional<Task> task = NextTask(slot, head_.version);
  MUSTER_CHECK(task.has_value(), "an update on a version newer than head was accepted");
  return {lineage_.id.number, head_.version, slot, *task};
}

// Why no update of this id on this base can count any more, or yet.
std::optional<Refused> CoordinatorCore::Impl::JudgeBase(const UpdateId& id, Version base) const {
  const auto refuse = [](Reason reason, std::string text) {
    return Refused{.reason = reason, .text = std::move(text)};
  };
  if (id.lineage != lineage_.id.number) {
    return refuse(Reason::round_closed, "its lineage ended without this update");
  }
  if (base != id.round || base > head_.version) {
    return refuse(Reason::base_version_wrong,
                  "the newest version is " + std::to_string(head_.version));
  }
  if (base < oldest_base_) {
    return refuse(Reason::too_stale, "version " + std::to_string(oldest_base_) +
                                         " went back to older content and left its base behind");
  }
  const std::optional<Task> next = NextTask(id.slot, base);
  if (!next || id.task < *next) {
    return refuse(Reason::already_accepted, "a later update of the slot was accepted");
  }
  if (id.task > *next) return refuse(Reason::not_in_cohort, "no such task was given");
  const Version staleness = head_.version - base;
  if (staleness >= staleness_.size()) {
    return refuse(Reason::too_stale, std::to_string(staleness) +
                                         " versions were committed since its base; at most " +
                                         std::to_string(staleness_.size() - 1) + " may be");
  }
  return std::nullopt;
}

// What it was asked for is settled, for this reason: it is free, and so is its place.
void CoordinatorCore::Impl::AskAnew(Session& session, Reason why) {
  if (why == Reason::too_stale || why == Reason::not_in_cohort) Miss(session.index);
  session.ordered.reset();
  if (Async()) return OrderByTurn();
  OrderTask(session);
}

void CoordinatorCore::Impl::Miss(RosterIndex holder) {
  if (Async()) turns_.OnMissed(holder, sessions_.size());
}

// A round begins, or another attempt: what is under way goes on, if it can still count.
void CoordinatorCore::Impl::CarryOver() {
  std::vector<Slot> slots;
  for (const auto& [slot, upload] : uploads_) slots.push_back(slot);
  for (const Slot slot : slots) {
    if (phase_ != Phase::report) return;
    const auto found = uploads_.find(slot);
    if (found == uploads_.end()) continue;
    const Upload upload = found->second;
    if (const auto refusal = JudgePast(upload.offer.id, upload.offer.base_version)) {
      const auto session = sessions_.find(upload.from);
      DropUpload(slot);
      if (session == sessions_.end()) continue;
      RefuseSession(session->second, refusal->reason, upload.offer.id, refusal->text);
      if (refusal->reason == Reason::too_stale) pace_.OnLate(upload.from, upload.offer.id);
      session->second.ordered.reset();
    } else if (upload.state >= Upload::State::awaiting_sync) {
      IsWithinBounds(slot, upload.tensor_max_abs);
    }
  }
  if (!Async()) return MakeWayForOwn();
  for (auto& [index, session] : sessions_) {
    if (!session.ordered || session.ordered->round == head_.version) continue;
    // Who has not the whole model yet cannot get it any more, or never heard of the task.
    const bool working = session.has_model == session.ordered->round;
    const bool too_late = head_.version - session.ordered->round >= staleness_.size();
    if (too_late) {
      Miss(index);
      pace_.OnLate(index, *session.ordered);
    }
    if (!working || too_late) session.ordered.reset();
  }
}

// Whether it is free, and there is room for one more under the cap.
bool CoordinatorCore::Impl::MayBegin(const Session& session) const {
  if (session.ordered || session.control == 0) return false;
  if (job_.round.concurrency == 0) return true;
  const auto under_way = std::count_if(sessions_.begin(), sessions_.end(), [](const auto& entry) {
    return entry.second.ordered.has_value();
  });
  return under_way < static_cast<std::ptrdiff_t>(job_.round.concurrency);
}

void CoordinatorCore::Impl::OrderByTurn() {
  std::vector<Session*> waiting;
  for (auto& [index, session] : sessions_) {
    if (!session.ordered) waiting.push_back(&session);
  }
  std::stable_sort(waiting.begin(), waiting.end(), [this](const Session* a, const Session* b) {
    return turns_.PlaceOf(a->index) < turns_.PlaceOf(b->index);
  });
  for (Session* session : waiting) OrderTask(*session);
}

// Whoever handed in begins on the newest version at once, and who filled the buffer on the one that
// comes of it. Whose update was late is asked for the open round's.
void CoordinatorCore::Impl::GoOn(const std::vector<AcceptedUpdate>& accepted) {
  for (const AcceptedUpdate& update : accepted) {
    turns_.OnAccepted(update.from);
    const auto session = sessions_.find(update.from);
    if (session == sessions_.end() || (!Async() && !IsLate(update.id))) continue;
    session->second.ordered.reset();
    if (!Async()) OrderTask(session->second);
  }
  if (Async()) OrderByTurn();
}

// Who went on has nothing left of what it handed in before: that is as safe here as it can be.
void CoordinatorCore::Impl::AnnounceStale(const RoundRecord& record) {
  std::map<RosterIndex, UpdateId> last;
  for (const auto& [id, update] : round_->accepted) last[update.from] = id;
  for (const auto& [from, id] : last) {
    const auto session = sessions_.find(from);
    if (session == sessions_.end()) continue;
    const auto& ordered = session->second.ordered;
    if (!ordered || *ordered <= id) SendTo(from, Committed{id, record.version});
  }
  if (!Async()) LeaveUnfinished();
}

// A late update that is whole and has no room in this version waits for the next, but not where the
// round asks its sender for another: that one would wait for it.
void CoordinatorCore::Impl::MakeWayForOwn() {
  if (phase_ != Phase::report || !LateOverCap()) return;
  PumpFolds();
  std::vector<Slot> slots;
  for (const auto& [slot, upload] : uploads_) {
    const bool waits = IsLate(upload.offer.id) && upload.WaitsForRoom();
    if (waits && IsAsked(slot) && !IsAccepted(slot)) slots.push_back(slot);
  }
  for (const Slot slot : slots) {
    if (phase_ != Phase::report) return;
    RefuseForGood(
        slot, {Reason::round_closed, {}, 0},
        "there are more late updates than a version takes, and the round asks for another");
  }
}

// A round is over that folds late updates: who is at one that may still count stays at it, whether
// or not the next round asks for another. It is at it if it has sent a part of it, or was sent all
// of its base; who was not cannot get that any more.
void CoordinatorCore::Impl::LeaveUnfinished() {
  for (auto& [index, session] : sessions_) {
    if (!session.ordered) continue;
    const UpdateId id = *session.ordered;
    if (round_->accepted.contains(id)) {
      session.ordered.reset();
      continue;
    }
    pace_.OnLate(index, id);
    const auto upload = uploads_.find(id.slot);
    const bool sending = (upload != uploads_.end() && upload->second.offer.id == id) ||
                         (session.queued && session.queued->id == id);
    const std::optional<Version> base = late_rounds_.BaseOf(id.round);
    const bool at_it = base && !IsRefused(id.slot, index) && (sending || session.has_model == base);
    if (at_it) continue;
    if (upload != uploads_.end() && upload->second.offer.id == id) DropUpload(id.slot);
    RefuseSession(session, base ? Reason::round_closed : Reason::too_stale, id,
                  "the round ended without this update");
    session.ordered.reset();
  }
}

bool CoordinatorCore::Impl::AnyoneMayDeliver() const {
  return std::any_of(roster_.begin(), roster_.end(), [this](const RosterEntry& entry) {
    return !entry.revoked && CanHold(entry.index) && !IsRefused(entry.index, entry.index);
  });
}

// Those who are at it; where nobody is, whoever may come.
std::vector<RosterIndex> CoordinatorCore::Impl::AwaitedAsync() const {
  std::vector<RosterIndex> awaited;
  for (const auto& [index, session] : sessions_) {
    if (session.ordered || session.queued || uploads_.contains(index)) awaited.push_back(index);
  }
  if (!awaited.empty()) return awaited;
  for (const RosterEntry& entry : roster_) {
    if (entry.revoked || !CanHold(entry.index) || IsRefused(entry.index, entry.index)) continue;
    awaited.push_back(entry.index);
  }
  return awaited;
}

// One who can deliver can do so as often as it takes.
void CoordinatorCore::Impl::AsyncReach(Reach& reach) const {
  reach.updates = round_->accepted.size() + (reach.updates > 0 ? Quorum() : 0);
  if (reach.too_large > 0) reach.too_large = Quorum();
}

}  // namespace muster::coordinator
