// Who is here: hello and welcome, leases, processes that take over from each other.
#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "coordinator/core/impl.h"

namespace muster::coordinator {

void CoordinatorCore::Impl::RefuseLink(LinkId link, Refused refusal, const std::string& who) {
  Count("refused." + std::string(ReasonName(refusal.reason)));
  Note({.kind = NoticeKind::refused, .who = who, .reason = refusal.reason, .text = refusal.text});
  Emit(Send{link, std::move(refusal)});
}

void CoordinatorCore::Impl::RefuseSession(const Session& session, Reason reason,
                                          std::optional<UpdateId> id, std::string text,
                                          std::int64_t retry_after_ms) {
  Count("refused." + std::string(ReasonName(reason)));
  Note({.kind = NoticeKind::refused,
        .round = id ? id->round : 0,
        .who = NameOf(session.index),
        .reason = reason,
        .text = text});
  const bool of_task = id && round_ && phase_ == Phase::report &&
                       (Async() || id->round == round_->record.round) &&
                       HolderOf(id->slot) == session.index;
  const bool passes =
      reason == Reason::busy || reason == Reason::draining || reason == Reason::not_held;
  if (of_task && !passes && InCohort(id->slot) && !IsAccepted(id->slot)) {
    round_->last_refusals[id->slot] = reason;
  }
  SendTo(session.index, Refused{reason, id, retry_after_ms, std::move(text)});
}

void CoordinatorCore::Impl::SendTo(RosterIndex index, Message message) {
  const auto found = sessions_.find(index);
  if (found == sessions_.end() || found->second.control == 0) return;
  Emit(Send{found->second.control, std::move(message)});
}

// Identity is checked on every message: the key must be enrolled now, and the link must be one of
// the session that this key's entry has.
Session* CoordinatorCore::Impl::FindSession(LinkId link, const PublicKey& identity) {
  const RosterEntry* entry = EntryOf(identity);
  if (entry == nullptr || entry->revoked) {
    RefuseLink(link,
               Refused{.reason = entry == nullptr ? Reason::unknown_key : Reason::revoked,
                       .text = "the key is not enrolled"},
               entry == nullptr ? "" : entry->name);
    Emit(DropLink{link});
    return nullptr;
  }
  const auto found = links_.find(link);
  if (found == links_.end() || found->second != entry->index) {
    RefuseLink(link, Refused{.reason = Reason::no_session, .text = "say hello first"}, entry->name);
    return nullptr;
  }
  return &sessions_.at(entry->index);
}

std::optional<Refused> CoordinatorCore::Impl::CheckHello(const RosterEntry* entry,
                                                         const Hello& hello) const {
  if (entry == nullptr) {
    return Refused{.reason = Reason::unknown_key, .text = "the key is not enrolled"};
  }
  if (entry->revoked) {
    return Refused{.reason = Reason::revoked, .text = "the enrolment was revoked"};
  }
  if (entry->name != hello.name) {
    return Refused{.reason = Reason::identity_mismatch,
                   .text = "the key belongs to another name than " + hello.name};
  }
  if (hello.protocol_min > kProtocolVersion || hello.protocol_max < kProtocolVersionMin ||
      std::find(hello.seals.begin(), hello.seals.end(), BulkSeal::aes_256_gcm) ==
          hello.seals.end()) {
    return Refused{.reason = Reason::protocol_unsupported,
                   .text = "this coordinator speaks protocol " + std::to_string(kProtocolVersion)};
  }
  if (hello.job && *hello.job != job_digest_) {
    return Refused{.reason = Reason::wrong_job,
                   .text = "this coordinator runs another job, " + job_.name};
  }
  if (processes_.IsOver(entry->index, hello.incarnation)) {
    return Refused{.reason = Reason::superseded, .text = "a newer process took over this name"};
  }
  if (JudgeSeen(hello.seen) == SeenPast::of_another) {
    return Refused{.reason = Reason::split_brain,
                   .text = "the participant followed another coordinator in epoch " +
                           std::to_string(hello.seen->epoch.number) +
                           ": two ran on copies of one state; stop one, and give those that "
                           "followed it fresh state directories"};
  }
  return std::nullopt;
}

// Epochs from the current one on, and other lineages, are the participant's to judge: it sees them
// in the welcome. Of another lineage nothing but that is believed here: ids name theirs.
SeenPast CoordinatorCore::Impl::JudgeSeen(const std::optional<SeenState>& seen) const {
  if (!seen || seen->lineage != lineage_.id || seen->epoch.number >= epoch_.epoch.number) {
    return SeenPast::own;
  }
  const auto found = std::ranges::lower_bound(past_epochs_, seen->epoch.number, {}, &Epoch::number);
  if (found == past_epochs_.end() || found->number != seen->epoch.number) return SeenPast::unknown;
  return *found == seen->epoch ? SeenPast::own : SeenPast::of_another;
}

void CoordinatorCore::Impl::OnHello(const Received& received, const Hello& hello) {
  const RosterEntry* entry = EntryOf(received.identity);
  if (entry != nullptr) processes_.OnWord(entry->index, hello.incarnation, received.connection);
  if (auto refusal = CheckHello(entry, hello)) {
    RefuseLink(received.link, std::move(*refusal), entry == nullptr ? "" : entry->name);
    return;
  }
  std::optional<Version> has_model;
  if (const auto found = sessions_.find(entry->index); found != sessions_.end()) {
    if (found->second.incarnation == hello.incarnation) has_model = found->second.has_model;
    TakeOver(found->second, hello, received.link);
  }
  processes_.OnFollowed(entry->index, hello.incarnation, received.connection);
  Session& session = sessions_[entry->index];
  session.index = entry->index;
  session.incarnation = hello.incarnation;
  session.control = received.link;
  session.lease_until = now_ + options_.lease_ms;
  session.has_model = has_model;
  if (hello.retained) session.retained = hello.retained->id;
  links_[received.link] = entry->index;
  Forgive(entry->index, hello.incarnation);
  Count("hellos");
  Note({.kind = NoticeKind::joined, .who = entry->name});
  SendWelcome(session, hello);
  if (finishing_) {
    SendTo(session.index, JobFinished{finish_->reason, finish_->version});
  } else if (!CanHold(entry->index)) {
    RefuseSession(session, Reason::no_part, std::nullopt,
                  "the job's data has " + std::to_string(job_.data.parts) + " parts; index " +
                      std::to_string(entry->index) + " gets no work");
  } else if (draining_) {
    RefuseSession(session, Reason::draining, std::nullopt, "come back later",
                  limits::kReconnectMsMax);
  } else if (phase_ == Phase::report) {
    ResumeLease(session);
    if (!Async()) OrderTask(session);
    RefillCohort();
  } else if (phase_ == Phase::select && !round_) {
    RetrySelect();
  }
}

// The last hello wins: an older process of the name is told so; an older link of the same process
// is only forgotten. A hello that comes twice on one link is answered twice and changes nothing.
void CoordinatorCore::Impl::TakeOver(Session& old, const Hello& hello, LinkId link_of_hello) {
  const RosterIndex index = old.index;
  if (old.incarnation != hello.incarnation) {
    RefuseSession(old, Reason::superseded, std::nullopt, "a newer process took over this name");
    EndSession(index, Reason::superseded, /*successor=*/true);
    return;
  }
  if (old.control == link_of_hello) return;
  if (Async() && old.ordered) Miss(index);
  for (LinkId link : {old.control, old.bulk}) {
    if (link == 0 || link == link_of_hello) continue;
    links_.erase(link);
    Emit(DropLink{link});
  }
  sessions_.erase(index);
}

// A process that was started again may have been mended: its next update is judged anew. A value
// that was too large stays so until the bounds are raised.
void CoordinatorCore::Impl::Forgive(RosterIndex holder, const Incarnation& incarnation) {
  if (!round_) return;
  std::erase_if(round_->refused, [&](const auto& entry) {
    const RefusedSlot& refused = entry.second;
    return entry.first.second == holder && refused.reason != Reason::out_of_bound &&
           refused.by != incarnation;
  });
}

void CoordinatorCore::Impl::SendWelcome(const Session& session, const Hello& hello) {
  Welcome welcome;
  welcome.protocol = std::min(hello.protocol_max, kProtocolVersion);
  welcome.job_name = job_.name;
  welcome.job = job_bytes_;
  welcome.job_digest = job_digest_;
  welcome.lineages = lineages_;
  welcome.epoch = epoch_.epoch;
  welcome.head = head_.version;
  welcome.index = session.index;
  welcome.lease_ms = options_.lease_ms;
  welcome.retained = hello.retained;
  if (hello.retained) JudgeRetained(hello, welcome);
  Emit(Send{session.control, std::move(welcome)});
}

void CoordinatorCore::Impl::JudgeRetained(const Hello& hello, Welcome& welcome) const {
  using Fate = Welcome::RetainedFate;
  const Hello::Retained& retained = *hello.retained;
  const Slot slot = retained.id.slot;
  if (round_) {
    if (const auto found = round_->accepted.find(retained.id);
        found != round_->accepted.end() && (!Elastic() || found->second.from == welcome.index)) {
      const bool same = found->second.digest == retained.digest;
      welcome.retained_fate = same ? Fate::accepted : Fate::dropped;
      welcome.retained_reason = Reason::already_accepted;
      return;
    }
  }
  if (const auto found = fates_.find(slot);
      found != fates_.end() && found->second.id == retained.id) {
    const bool counts = found->second.committed && found->second.digest == retained.digest;
    welcome.retained_fate = counts ? Fate::committed : Fate::dropped;
    if (counts) welcome.retained_version = found->second.version;
    welcome.retained_reason =
        found->second.committed ? Reason::already_accepted : found->second.reason;
    return;
  }
  const Version late_base = late_rounds_.BaseOf(retained.id.round).value_or(0);
  const Version base = Async() ? retained.id.round : late_base;
  const auto refusal = TakesStale() ? JudgePast(retained.id, base) : std::nullopt;
  if (refusal) {
    welcome.retained_fate = Fate::dropped;
    welcome.retained_reason = refusal->reason;
    return;
  }
  const std::optional<Reason> lost =
      Elastic() ? JudgeLease(welcome.index, retained.id) : std::nullopt;
  const bool past = retained.id.lineage != lineage_.id.number || retained.id.round <= head_round_;
  if (lost) {
    welcome.retained_fate = Fate::dropped;
    welcome.retained_reason = *lost;
  } else if (past && !TakesStale()) {
    welcome.retained_fate = Fate::dropped;
    welcome.retained_reason = Reason::round_closed;
  } else if (JudgeSeen(hello.seen) == SeenPast::unknown) {
    // What it was trained on may be a copy's version of that number.
    welcome.retained_fate = Fate::dropped;
    welcome.retained_reason = Reason::base_version_wrong;
  }
}

void CoordinatorCore::Impl::OnBulkHello(const Received& received, const BulkHello& hello) {
  const RosterEntry* entry = EntryOf(received.identity);
  const auto found = entry == nullptr ? sessions_.end() : sessions_.find(entry->index);
  if (found == sessions_.end() || entry->revoked ||
      found->second.incarnation != hello.incarnation) {
    RefuseLink(received.link, Refused{.reason = Reason::no_session, .text = "say hello first"},
               entry == nullptr ? "" : entry->name);
    return;
  }
  Session& session = found->second;
  if (received.link == session.control) {
    RefuseSession(session, Reason::unexpected_message, std::nullopt,
                  "bulk_hello belongs on the bulk connection");
    return;
  }
  if (session.bulk != 0 && session.bulk != received.link) {
    links_.erase(session.bulk);
    Emit(DropLink{session.bulk});
  }
  session.bulk = received.link;
  session.lease_until = now_ + options_.lease_ms;
  links_[received.link] = session.index;
}

void CoordinatorCore::Impl::OnSessionMessage(const Received& received, Session& session) {
  if (std::holds_alternative<LeaseRenew>(received.message)) {
    SendTo(session.index, LeaseAck{});
  } else if (const auto* offer = std::get_if<Offer>(&received.message)) {
    OnOffer(session, *offer);
  } else if (const auto* request = std::get_if<ModelRequest>(&received.message)) {
    OnModelRequest(session, received.link, *request);
  } else if (const auto* leave = std::get_if<Leave>(&received.message)) {
    processes_.OnEnded(session.index, session.incarnation);
    EndSession(session.index, leave->reason);
  } else if (const auto* refusal = std::get_if<RefuseCoordinator>(&received.message)) {
    // One peer's word changes nothing here; the operator sees it.
    Count("refused_by_participant." + std::string(ReasonName(refusal->reason)));
    Note({.kind = NoticeKind::refused,
          .who = NameOf(session.index),
          .reason = refusal->reason,
          .text = "the participant will not follow this coordinator"});
    EndSession(session.index, refusal->reason);
  } else {
    RefuseSession(session, Reason::unexpected_message, std::nullopt,
                  std::string(MessageName(received.message)) + " is not for a coordinator");
  }
}

// `successor`: a process of the same name comes in this very step. A peer's word for it does not
// count.
void CoordinatorCore::Impl::EndSession(RosterIndex index, Reason reason, bool successor) {
  const auto found = sessions_.find(index);
  if (found == sessions_.end()) return;
  for (LinkId link : {found->second.control, found->second.bulk}) {
    if (link == 0) continue;
    links_.erase(link);
    Emit(DropLink{link});
  }
  if (Async() && found->second.ordered) Miss(index);
  sessions_.erase(found);
  std::erase(grant_queue_, index);
  if (Elastic() && !successor) EndLease(index);
  Count("sessions_ended." + std::string(ReasonName(reason)));
  Note({.kind = NoticeKind::left, .who = NameOf(index), .reason = reason});
  if (!successor) RefillCohort();
  PumpGrants();
  if (finishing_) CheckGoodbyes();
  if (draining_) CheckDrained();
}

// No lease gets shorter, and one that begins later ends no earlier: what is the first end now none
// comes before, and most steps need to know no more.
MonotonicMs CoordinatorCore::Impl::NextLeaseEnd() {
  leases_last_until_ = now_ + options_.lease_ms;
  for (const auto& [index, session] : sessions_) {
    leases_last_until_ = std::min(leases_last_until_, session.lease_until);
  }
  return leases_last_until_;
}

void CoordinatorCore::Impl::ExpireLeases() {
  if (now_ < leases_last_until_) return;
  std::vector<RosterIndex> expired;
  for (const auto& [index, session] : sessions_) {
    if (now_ >= session.lease_until) expired.push_back(index);
  }
  for (RosterIndex index : expired) EndSession(index, Reason::lease_expired);
}

}  // namespace muster::coordinator
