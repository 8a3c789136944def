#include "coordinator/core/status.h"

#include "coordinator/core/impl.h"

namespace muster::coordinator {

std::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::starting:
      return "starting";
    case Phase::select:
      return "select";
    case Phase::configure:
      return "configure";
    case Phase::report:
      return "report";
    case Phase::commit:
      return "commit";
    case Phase::paused:
      return "paused";
    case Phase::stopped:
      return "stopped";
  }
  return "unknown";
}

std::string_view WaitKindName(WaitKind kind) {
  switch (kind) {
    case WaitKind::nothing:
      return "nothing";
    case WaitKind::round_persisted:
      return "round_persisted";
    case WaitKind::spool_prepared:
      return "spool_prepared";
    case WaitKind::updates:
      return "updates";
    case WaitKind::updates_persisted:
      return "updates_persisted";
    case WaitKind::sums_folded:
      return "sums_folded";
    case WaitKind::version_built:
      return "version_built";
    case WaitKind::version_stored:
      return "version_stored";
    case WaitKind::version_persisted:
      return "version_persisted";
    case WaitKind::versions_dropped:
      return "versions_dropped";
    case WaitKind::evaluation:
      return "evaluation";
    case WaitKind::present:
      return "present";
    case WaitKind::enrolment:
      return "enrolment";
    case WaitKind::disk_space:
      return "disk_space";
    case WaitKind::goodbyes:
      return "goodbyes";
    case WaitKind::drain:
      return "drain";
    case WaitKind::finish_persisted:
      return "finish_persisted";
  }
  return "unknown";
}

std::string ReasonCountsText(const ReasonCounts& counts) {
  std::string text;
  for (const auto& [reason, count] : counts) {
    text +=
        (text.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(ReasonName(reason));
  }
  return text;
}

std::string CoordinatorCore::Impl::DoingOf(RosterIndex index, MonotonicMs now) const {
  if (index < roster_.size() && roster_[index].revoked) return "revoked";
  const std::optional<Slot> slot = SlotOf(index);
  if (slot && IsAccepted(*slot)) return "accepted";
  const auto session = sessions_.find(index);
  const bool may_send = slot || TakesStale();
  if (const auto found = may_send ? uploads_.find(slot.value_or(index)) : uploads_.end();
      found != uploads_.end()) {
    const Upload& upload = found->second;
    if (IsLate(upload.offer.id) && upload.WaitsForRoom()) return "late, waits for the next version";
    if (upload.state != Upload::State::receiving) return "being made durable";
    const std::uint64_t percent = upload.stored * 100 / upload.offer.bytes;
    const std::string part = std::to_string(percent) + " %";
    if (session == sessions_.end()) return "away, uploaded " + part;
    if (!IsStalled(upload, now)) return "uploading " + part;
    return "stalled at " + part + " for " + std::to_string((now - upload.progressed_at) / 1000) +
           " s";
  }
  if (session == sessions_.end()) return "away";
  if (session->second.queued) return "waiting for a grant";
  if (slot && IsRefused(*slot, index)) {
    return "refused: " + std::string(ReasonName(round_->refused.at({*slot, index}).reason));
  }
  // Who handed in its block of elastic data and got no other is free.
  const bool working = round_ && session->second.ordered &&
                       (TakesStale() || session->second.ordered->round == round_->record.round) &&
                       (slot || !Elastic());
  if (working && IsLate(*session->second.ordered)) return "working, late";
  return working ? "working" : "idle";
}

StatusView CoordinatorCore::Impl::Status(MonotonicMs now) const {
  StatusView view;
  view.round = round_ ? round_->record.round : head_round_;
  view.attempt = round_ ? round_->record.attempt : 0;
  view.version = head_.version;
  view.digest = head_.digest;
  view.lineage = lineage_.id.number;
  view.epoch = epoch_.epoch;
  view.starts = epoch_.starts;
  view.rounds = options_.rounds;
  view.goal = static_cast<std::uint32_t>(Goal());
  view.quorum = static_cast<std::uint32_t>(Quorum());
  if (round_) {
    view.accepted = static_cast<std::uint32_t>(OwnAccepted());
    view.late = static_cast<std::uint32_t>(round_->accepted.size()) - view.accepted;
  }
  view.wait = Waiting(now, WaitDetail::full);
  view.deadline = DeadlineNow();
  for (const RosterEntry& entry : roster_) {
    const auto session = sessions_.find(entry.index);
    ParticipantStatus participant;
    participant.index = entry.index;
    participant.name = entry.name;
    participant.revoked = entry.revoked;
    participant.connected = session != sessions_.end();
    if (participant.connected) participant.lease_left_ms = session->second.lease_until - now;
    const std::optional<Slot> slot = SlotOf(entry.index);
    participant.in_cohort = slot.has_value();
    participant.accepted = slot && IsAccepted(*slot);
    participant.doing = DoingOf(entry.index, now);
    participant.pace = pace_.Of(entry.index);
    view.participants.push_back(std::move(participant));
  }
  view.counters = counters_;
  return view;
}

}  // namespace muster::coordinator
