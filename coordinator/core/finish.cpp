// The two ends: the job is finished, or this process drains and another goes on.
#include <algorithm>

#include "common/limits.h"
#include "coordinator/core/impl.h"

namespace muster::coordinator {

void CoordinatorCore::Impl::EnterPhase(Phase phase) {
  phase_ = phase;
  wait_since_ = now_;
  Note({.kind = NoticeKind::phase_entered,
        .round = round_ ? round_->record.round : head_round_ + (phase == Phase::select ? 1 : 0),
        .version = head_.version,
        .attempt = round_ ? round_->record.attempt : 0,
        .text = std::string(PhaseName(phase))});
}

void CoordinatorCore::Impl::BeginFinish(Reason reason) {
  if (finish_) {
    SayFinished();
    return;
  }
  Batch batch;
  finish_ = FinishRecord{reason, head_.version};
  batch.mutations.push_back(PutFinish{*finish_});
  EnterPhase(Phase::paused);
  PersistFor(ForFinish{}, std::move(batch));
}

void CoordinatorCore::Impl::Release(const ForFinish&) { SayFinished(); }

// The end is durable: everybody may know.
void CoordinatorCore::Impl::SayFinished() {
  finishing_ = true;
  EnterPhase(Phase::paused);
  DropAllUploads();
  halt_deadline_ = now_ + options_.goodbye_ms;
  for (const auto& [index, session] : sessions_) {
    SendTo(index, JobFinished{finish_->reason, finish_->version});
  }
  CheckGoodbyes();
}

// Ends once all versions are stored and reported and everybody said goodbye, or did not in time. A
// disk that stays full does not keep a process that is asked to go: head is durable without chunks.
void CoordinatorCore::Impl::CheckGoodbyes() {
  if (phase_ == Phase::stopped) return;
  const bool late = now_ >= *halt_deadline_;
  if (!evaluating_.empty() || unstored_ || !dropping_.empty()) {
    if (late && draining_) Release(ForDrain{});
    return;
  }
  if (!sessions_.empty() && !late) return;
  Note({.kind = NoticeKind::finished, .version = head_.version, .reason = finish_->reason});
  StopNow(finish_->reason, "");
}

void CoordinatorCore::Impl::On(const DrainRequested&) {
  if (draining_) return;
  draining_ = true;
  const MonotonicMs deadline = now_ + options_.drain_ms;
  halt_deadline_ = finishing_ ? std::min(*halt_deadline_, deadline) : deadline;
  if (finishing_) return CheckGoodbyes();
  for (auto& [index, session] : sessions_) {
    RefuseSession(session, Reason::draining, std::nullopt, "come back later",
                  limits::kReconnectMsMax);
  }
  CheckDrained();
}

// A commit that has begun is finished; uploads of those who are here may become durable.
void CoordinatorCore::Impl::CheckDrained() {
  if (finishing_) return CheckGoodbyes();
  if (phase_ == Phase::stopped) return;
  const bool late = now_ >= *halt_deadline_;
  // Between two rounds no update can be accepted, nor one that is whole and waits for the next
  // round.
  const bool uploading = std::any_of(uploads_.begin(), uploads_.end(), [this](const auto& entry) {
    if (phase_ == Phase::paused || (phase_ == Phase::select && !round_)) return false;
    if (TakesStale() && entry.second.WaitsForRoom()) return false;
    return entry.second.state != Upload::State::receiving || sessions_.contains(entry.second.from);
  });
  const bool storing = unstored_ || !dropping_.empty();
  if ((phase_ == Phase::commit || uploading || storing) && !late) return;
  for (const auto& [token, pending] : batches_) {
    if (!std::holds_alternative<ForDrain>(pending.purpose)) continue;
    // A full disk must not keep the process: what is lost is some waited time of the open round.
    if (late && pending.retry_at) StopNow(Reason::draining, "drained on a full disk");
    return;
  }
  Batch batch;
  if (round_ && phase_ == Phase::report) {
    round_->record.deadline_consumed_ms = now_ - round_->attempt_started;
    batch.mutations.push_back(PutOpenRound{round_->record});
  }
  PersistFor(ForDrain{}, std::move(batch));
}

void CoordinatorCore::Impl::Release(const ForDrain&) {
  Note({.kind = NoticeKind::drained, .version = head_.version, .reason = Reason::draining});
  StopNow(Reason::draining, "drained; the same command goes on from here");
}

}  // namespace muster::coordinator
