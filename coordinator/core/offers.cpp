// Which updates are wanted: every offer is answered with what is already settled about it, with a
// refusal that names its reason, or with a grant.
#include <algorithm>

#include "common/limits.h"
#include "coordinator/core/impl.h"
#include "model/staleness.h"

namespace muster::coordinator {
namespace {

constexpr std::int64_t kUploadDeadlines = 2;  ///< That an upload may take before it must yield.

}  // namespace

void CoordinatorCore::Impl::OnOffer(Session& session, const Offer& offer) {
  Count("offers");
  if (AnswerSettled(session, offer)) return;
  if (RefuseUnwanted(session, offer)) return;
  if (Elastic() && !ClaimLease(session, offer.id.slot)) {
    RefuseSession(session, Reason::lease_lost, offer.id,
                  "the block was given to another, or you were given another one");
    return;
  }
  if (const auto found = uploads_.find(offer.id.slot); found != uploads_.end()) {
    Upload& upload = found->second;
    if (upload.offer.id == offer.id && upload.offer.digest == offer.digest &&
        upload.offer.bytes == offer.bytes && upload.offer.weight == offer.weight &&
        upload.offer.client_version == offer.client_version) {
      // A transfer that broke goes on where it stopped; one that is whole is only awaited.
      if (upload.state == Upload::State::receiving) SendGrant(session, upload);
      return;
    }
    if (upload.state != Upload::State::receiving) {
      RefuseSession(session, Reason::busy, offer.id,
                    "another update of this slot is being accepted", limits::kBusyRetryMs);
      return;
    }
    Count("uploads_replaced");
    DropUpload(offer.id.slot);
  }
  session.queued = offer;
  if (std::find(grant_queue_.begin(), grant_queue_.end(), session.index) == grant_queue_.end()) {
    grant_queue_.push_back(session.index);
  }
  PumpGrants();
}

bool CoordinatorCore::Impl::RefuseUnwanted(Session& session, const Offer& offer) {
  const std::optional<Refused> refusal = CheckOffer(session, offer);
  if (!refusal) return false;
  if (refusal->reason == Reason::round_closed || refusal->reason == Reason::too_stale) {
    pace_.OnLate(session.index, offer.id);
  }
  RefuseSession(session, refusal->reason, offer.id, refusal->text, refusal->retry_after_ms);
  // Of what it was asked for nothing comes that could outlive the round.
  if (refusal->retry_after_ms == 0 && session.ordered == offer.id) session.has_model.reset();
  if (TakesStale() && JudgePast(offer.id, offer.base_version)) AskAnew(session, refusal->reason);
  return true;
}

// What is durable about this id is simply said again.
bool CoordinatorCore::Impl::AnswerSettled(const Session& session, const Offer& offer) {
  if (!MayHold(session.index, offer.id.slot)) return false;
  if (round_) {
    if (const auto found = round_->accepted.find(offer.id); found != round_->accepted.end()) {
      if (Elastic() && found->second.from != session.index) {
        RefuseSession(session, Reason::lease_lost, offer.id,
                      NameOf(found->second.from) + " did this block");
      } else if (found->second.digest == offer.digest) {
        Count("duplicates");
        SendTo(session.index, Accepted{offer.id, offer.digest});
      } else {
        RefuseSession(session, Reason::already_accepted, offer.id,
                      "another update of this id was accepted");
      }
      return true;
    }
  }
  const auto fate = fates_.find(offer.id.slot);
  if (fate == fates_.end() || fate->second.id != offer.id) return false;
  if (fate->second.committed && fate->second.digest == offer.digest) {
    Count("duplicates");
    SendTo(session.index, Committed{offer.id, fate->second.version});
  } else if (fate->second.committed) {
    RefuseSession(session, Reason::already_accepted, offer.id,
                  "another update of this id was accepted");
  } else {
    RefuseSession(session, fate->second.reason, offer.id, "the update does not count");
  }
  return true;
}

// Why an update of this id and base cannot count any more, whatever is open now.
std::optional<Refused> CoordinatorCore::Impl::JudgePast(const UpdateId& id, Version base) const {
  if (Async()) return JudgeBase(id, base);
  if (id.lineage == lineage_.id.number && id.round > head_round_) return std::nullopt;
  if (Elastic() && id.lineage == lineage_.id.number) {
    return Refused{.reason = Reason::round_past, .text = "the round is over"};
  }
  if (id.lineage != lineage_.id.number) {
    return Refused{.reason = Reason::round_closed, .text = "the round ended without this update"};
  }
  if (TakesStale() && LastAccepted(id.slot) > id) {
    return Refused{.reason = Reason::already_accepted,
                   .text = "a later update of the slot was accepted"};
  }
  return late_rounds_.Judge(id, base);
}

// Whether its round is over. Whether it may still count JudgePast says.
bool CoordinatorCore::Impl::IsLate(const UpdateId& id) const {
  return !Async() && TakesStale() && id.round <= head_round_;
}

// Whether the open round takes it, as far as that is not the update's own affair. In async it waits
// for the next round, if none takes updates now.
std::optional<Refused> CoordinatorCore::Impl::JudgeRound(const Session& session,
                                                         const Offer& offer) const {
  const auto refuse = [](Reason reason, std::string text, std::int64_t retry_after_ms = 0) {
    return Refused{reason, std::nullopt, retry_after_ms, std::move(text)};
  };
  if (Async() && phase_ != Phase::report) return std::nullopt;
  if (IsLate(offer.id)) {
    if (phase_ != Phase::report) {
      return refuse(Reason::busy, "no round takes updates now", limits::kBusyRetryMs);
    }
    const bool second = std::ranges::any_of(round_->accepted, [&](const auto& entry) {
      return entry.first.slot == offer.id.slot && IsLate(entry.first);
    });
    if (!second) return std::nullopt;
    return refuse(Reason::already_accepted, "a version takes one late update of a slot");
  }
  if (!round_ || (!Async() && offer.id.round != round_->record.round)) {
    return offer.id.round == head_round_ + 1
               ? refuse(Reason::busy, "the round is being opened", limits::kBusyRetryMs)
               : refuse(Reason::unexpected_message, "no such round was announced");
  }
  if (phase_ != Phase::report) {
    return refuse(Reason::busy, "the round is being opened or closed", limits::kBusyRetryMs);
  }
  if (!InCohort(offer.id.slot)) {
    return refuse(Reason::not_in_cohort, "the slot was not asked for in this round");
  }
  if (!IsAsked(offer.id.slot)) {
    return refuse(Reason::busy, "that the slot is asked for is being written",
                  limits::kBusyRetryMs);
  }
  if (const auto found = round_->refused.find({offer.id.slot, session.index});
      found != round_->refused.end()) {
    return refuse(found->second.reason, "an update of this slot was refused for good already");
  }
  if (!Async() && offer.base_version != round_->record.parent) {
    return refuse(Reason::base_version_wrong,
                  "the round builds on version " + std::to_string(round_->record.parent));
  }
  return std::nullopt;
}

std::optional<Refused> CoordinatorCore::Impl::CheckOffer(const Session& session,
                                                         const Offer& offer) const {
  const auto refuse = [](Reason reason, std::string text, std::int64_t retry_after_ms = 0) {
    return Refused{reason, std::nullopt, retry_after_ms, std::move(text)};
  };
  if (!CanHold(session.index)) {
    return refuse(Reason::no_part, "this index has no part of the data");
  }
  if (!MayHold(session.index, offer.id.slot) || (offer.id.task != 0 && !Async())) {
    return refuse(Reason::not_in_cohort, "the slot belongs to another participant");
  }
  if (auto past = JudgePast(offer.id, offer.base_version)) return past;
  if (draining_) return refuse(Reason::draining, "come back later", limits::kReconnectMsMax);
  if (auto refusal = JudgeRound(session, offer)) return refusal;
  if (offer.client_version > (KeepsClientState(job_) ? offer.base_version : 0)) {
    return refuse(Reason::base_version_wrong,
                  "no client-side state can be of version " + std::to_string(offer.client_version));
  }
  if (const auto weight = strategy_->CheckUpdateWeight(offer.weight); !weight) {
    return refuse(weight.error().reason, weight.error().message);
  }
  if (auto refusal = JudgeBlockWeight(offer)) return refusal;
  if (offer.bytes != lanes_->layout().total_bytes()) {
    return refuse(Reason::size_mismatch, "an update of this model has " +
                                             std::to_string(lanes_->layout().total_bytes()) +
                                             " bytes, not " + std::to_string(offer.bytes));
  }
  return std::nullopt;
}

// Whether more late updates are here than may count in this version.
bool CoordinatorCore::Impl::LateOverCap() const {
  std::size_t late = round_->accepted.size() - OwnAccepted();
  for (const auto& [slot, upload] : uploads_) late += IsLate(upload.offer.id);
  return late > LateUpdatesMax(job_.round);
}

void CoordinatorCore::Impl::PumpGrants() {
  if (phase_ != Phase::report || draining_ || disk_short_) return;
  PumpGrantsOf(/*late=*/false);
  if (LateUpdatesMax(job_.round) > 0) PumpGrantsOf(/*late=*/true);
}

// No more uploads than can still be accepted, and one to spare against a slow one. Late ones have
// places of their own. Those that outlive their round take none, but extents: with more of them
// than may count the slowest gives its own to one that the round waits for.
void CoordinatorCore::Impl::PumpGrantsOf(bool late) {
  const std::size_t most = (late ? LateUpdatesMax(job_.round) : Goal()) + 1;
  const auto is_next = [&](RosterIndex index) {
    const auto session = sessions_.find(index);
    const bool gone = session == sessions_.end() || !session->second.queued;
    return gone || IsLate(session->second.queued->id) == late;
  };
  while (phase_ == Phase::report) {
    const auto next = std::ranges::find_if(grant_queue_, is_next);
    if (next == grant_queue_.end()) return;
    const std::size_t own = OwnAccepted();
    std::size_t taken = late ? round_->accepted.size() - own : own;
    for (const auto& [slot, upload] : uploads_) taken += IsLate(upload.offer.id) == late;
    if (taken >= most && !MakeRoomForGrant(late)) return;
    const bool room = !free_extents_.empty() || MakeRoomForGrant(/*late=*/true) ||
                      (!late && (MakeSlowestYield(/*late=*/true, LateOverCap()) ||
                                 MakeRoomForGrant(/*late=*/false)));
    if (!room) return;
    const RosterIndex index = *next;
    grant_queue_.erase(next);
    const auto session = sessions_.find(index);
    if (session == sessions_.end() || !session->second.queued) continue;
    const Offer offer = *session->second.queued;
    session->second.queued.reset();
    // While it waited, its base may have become too old, or another of its slot have been judged.
    if (TakesStale() && RefuseUnwanted(session->second, offer)) continue;
    GrantUpload(session->second, offer);
  }
}

// A half-received upload whose sender is away gives its place to one who is here; else one that
// stands still does, the longest idle first. One that goes on, however slowly, keeps it for twice
// the time that this round's attempts had when it was granted, and where rounds pass over an upload
// (async, late updates) once more for each time that it gave way before: longer each time, so that
// no honest one is too slow for ever, and never for ever, or members that send a byte now and then
// would keep the places from all others.
bool CoordinatorCore::Impl::MakeRoomForGrant(bool late) {
  const Upload* stalled = nullptr;
  for (const auto& [slot, upload] : uploads_) {
    if (IsLate(upload.offer.id) != late) continue;
    if (upload.state == Upload::State::receiving && !sessions_.contains(upload.from)) {
      Count("uploads_evicted");
      DropUpload(slot);
      return true;
    }
    if (!IsStalled(upload, now_)) continue;
    if (stalled == nullptr || upload.progressed_at < stalled->progressed_at) stalled = &upload;
  }
  if (stalled == nullptr) return MakeSlowestYield(late, /*at_once=*/false);
  Count("uploads_evicted");
  const UpdateId id = stalled->offer.id;
  const Session& sender = sessions_.at(stalled->from);
  const std::int64_t idle_ms = now_ - stalled->progressed_at;
  DropUpload(id.slot);
  RefuseSession(sender, Reason::upload_stalled, id,
                "no bytes came for " + std::to_string(idle_ms) +
                    " ms and others wait; offer again, it starts from the first byte",
                limits::kBusyRetryMs);
  return true;
}

bool CoordinatorCore::Impl::MakeSlowestYield(bool late, bool at_once) {
  const Upload* slow = nullptr;
  for (const auto& [slot, upload] : uploads_) {
    if (IsLate(upload.offer.id) != late) continue;
    if (upload.state != Upload::State::receiving) continue;
    if (now_ < upload.yields_at && !at_once) continue;
    if (slow == nullptr || upload.yields_at < slow->yields_at) slow = &upload;
  }
  if (slow == nullptr) return false;
  Count("uploads_evicted");
  const UpdateId id = slow->offer.id;
  turns_.OnYield(slow->from);
  const Session& sender = sessions_.at(slow->from);
  DropUpload(id.slot);
  RefuseSession(sender, Reason::upload_stalled, id,
                "its bytes come too slowly and others wait; offer again, it starts from the first "
                "byte and may take longer",
                limits::kBusyRetryMs);
  return true;
}

// Bytes that wait for the spool are its delay, not the sender's; so are those that a full house
// leaves in the senders' sockets.
bool CoordinatorCore::Impl::IsStalled(const Upload& upload, MonotonicMs now) const {
  if (upload.state != Upload::State::receiving || upload.requested > upload.stored) return false;
  const MonotonicMs since = std::max(upload.progressed_at, spool_behind_at_);
  return now - since >= std::max(options_.lease_ms, limits::kUploadStallMs);
}

void CoordinatorCore::Impl::GrantUpload(Session& session, const Offer& offer) {
  Upload upload;
  upload.id = next_id_++;
  upload.offer = offer;
  upload.from = session.index;
  upload.progressed_at = now_;
  const std::int64_t deadline_ms =
      DeadlineInForce(options_.deadline_rule(), round_->record.deadline_ms);
  const std::int64_t times =
      std::int64_t{round_->record.attempt} + (TakesStale() ? turns_.YieldsOf(session.index) : 0);
  upload.yields_at = now_ + kUploadDeadlines * deadline_ms * times;
  upload.extent.index = *free_extents_.begin();
  free_extents_.erase(free_extents_.begin());
  Emit(OpenUpload{upload.id, upload.extent, offer.bytes});
  upload_slots_[upload.id] = offer.id.slot;
  const Upload& placed = uploads_.insert_or_assign(offer.id.slot, upload).first->second;
  SendGrant(session, placed);
}

void CoordinatorCore::Impl::SendGrant(const Session& session, const Upload& upload) {
  // Chunks under way on a link that broke are lost: what counts is what was given to the spool.
  SendTo(session.index,
         Grant{upload.offer.id, upload.offer.digest, upload.requested, limits::kCreditWindowBytes,
               static_cast<std::uint32_t>(limits::kTransferChunkBytes)});
}

}  // namespace muster::coordinator
