#include "coordinator/core/core.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "coordinator/core/impl.h"
#include "model/staleness.h"

namespace muster::coordinator {

CoordinatorCore::CoordinatorCore(const JobSpec& job, const CoordinatorOptions& options,
                                 RecoveredState recovered, const HeadFacts& head)
    : impl_(std::make_unique<Impl>(job, options, std::move(recovered), head)) {}
CoordinatorCore::~CoordinatorCore() = default;

Effects CoordinatorCore::Step(const Event& event, MonotonicMs now) {
  return impl_->Step(event, now);
}
WaitState CoordinatorCore::Waiting(MonotonicMs now, WaitDetail detail) const {
  return impl_->Waiting(now, detail);
}
StatusView CoordinatorCore::Status(MonotonicMs now) const { return impl_->Status(now); }

namespace {

LaneSet LanesOfHead(const Strategy& strategy, const VersionManifest& head) {
  std::vector<TensorSpec> specs(head.tensors.begin(),
                                head.tensors.begin() + head.model_tensor_count);
  auto model = ParameterLayout::Create(std::move(specs));
  MUSTER_CHECK(model.has_value(), "the committed model has no layout");
  auto lanes = LanesOf(strategy, *model);
  MUSTER_CHECK(lanes.has_value(), "the committed model cannot be summed");
  return std::move(*lanes);
}

}  // namespace

CoordinatorCore::Impl::Impl(const JobSpec& job, const CoordinatorOptions& options,
                            RecoveredState recovered, const HeadFacts& head)
    : job_(job),
      job_bytes_(EncodeJob(job)),
      job_digest_(JobDigest(job)),
      strategy_(CreateStrategy(job)),
      options_(options),
      in_memory_(AcceptOf(job.round) == Accept::memory),
      staleness_(muster::TakesStale(job.round) ? StalenessTable(job.round)
                                               : std::vector<std::uint32_t>()),
      late_rounds_(job.round, head.unfinished) {
  MUSTER_CHECK(recovered.job.has_value() && recovered.job->digest == job_digest_,
               "the job is not the stored one");
  MUSTER_CHECK(recovered.head.has_value() && recovered.last_record.has_value(), "no head");
  MUSTER_CHECK(!recovered.lineages.empty() && recovered.epoch.epoch.number > 0, "no epoch");
  lineages_ = std::move(recovered.lineages);
  lineage_ = lineages_.back();
  epoch_ = recovered.epoch;
  past_epochs_ = std::move(recovered.past_epochs);
  roster_ = std::move(recovered.roster);
  head_ = std::move(*recovered.head);
  head_round_ = recovered.last_record->round;
  model_digest_ = head.model_digest;
  reported_ = head.reported;
  oldest_base_ = head.oldest_base;
  held_ = {head.held.begin(), head.held.end()};
  lanes_ = LanesOfHead(*strategy_, head_);
  for (const UpdateFate& fate : recovered.fates) fates_[fate.id.slot] = fate;
  for (const EvaluationRecord& record : recovered.evaluations) {
    if (record.version > reported_ || record.version == head_.version) {
      evaluations_[record.version] = record;
    }
  }
  finish_ = recovered.finish;
  recovered_round_ = std::move(recovered.open_round);
  // In async a round begins with tasks whose ids name the one before it.
  const Round closed = Async() ? 0 : head_round_;
  pace_.StartBehind(recovered_round_ ? recovered_round_->round : closed);
  recovered_accepted_ = std::move(recovered.accepted);
  MUSTER_CHECK(recovered.unstored.empty(), "head is not stored");
  const std::uint64_t update_bytes = lanes_->layout().total_bytes();
  extent_count_ = in_memory_ ? MemoryExtentCount(job_, options_.memory_accept_bytes, update_bytes)
                             : SpoolExtentCount(job_);
  for (std::uint32_t i = 0; i < extent_count_; ++i) free_extents_.insert(i);
}

Effects CoordinatorCore::Impl::Step(const Event& event, MonotonicMs now) {
  MUSTER_CHECK(!last_step_ || now >= *last_step_, "time went back");
  now_ = now;
  if (phase_ == Phase::stopped) return {};
  NoticeGap();
  last_step_ = now;
  std::visit([this](const auto& what) { On(what); }, event);
  if (phase_ != Phase::stopped) ArmNextTimer();
  return std::exchange(effects_, {});
}

// A loop that stood still (SIGSTOP, a suspended machine) has heard nobody: what seems late may lie
// in the inbox. Every wait is extended by the gap.
void CoordinatorCore::Impl::NoticeGap() {
  if (!last_step_ || now_ - *last_step_ <= kTickMsMax + limits::kLoopGapMsMax) return;
  const std::int64_t gap = now_ - *last_step_;
  Count("loop_gaps");
  Note({.kind = NoticeKind::suspended,
        .text = "the loop stood still for " + std::to_string(gap) + " ms"});
  for (auto& [index, session] : sessions_) session.lease_until += gap;
  pace_.OnGap(gap);
  if (round_) {
    round_->attempt_started += gap;
    round_->deadline_persisted += gap;
  }
  for (auto& [slot, upload] : uploads_) {
    upload.progressed_at += gap;
    upload.yields_at += gap;
  }
  for (auto& [token, pending] : batches_) {
    if (pending.retry_at) *pending.retry_at += gap;
  }
  if (unstored_ && unstored_->retry_at) *unstored_->retry_at += gap;
  for (auto* deadline : {&halt_deadline_, &select_deadline_, &spool_retry_at_}) {
    if (*deadline) **deadline += gap;
  }
}

void CoordinatorCore::Impl::On(const Started&) {
  MUSTER_CHECK(phase_ == Phase::starting, "started twice");
  Emit(SetRoster{roster_});
  ResumeReporting();
  DropOldVersions();  // The policy may have changed, and removals of the last life be left.
  if (finish_ && !TargetReached() && head_round_ < options_.rounds) {
    finish_.reset();  // More rounds are wanted now.
    clear_finish_ = true;
  }
  for (const AcceptedUpdate& update : recovered_accepted_) free_extents_.erase(update.extent.index);
  if (recovered_round_) {
    EnterConfigure(std::exchange(recovered_round_, std::nullopt),
                   std::exchange(recovered_accepted_, {}));
  } else {
    EnterSelect();
  }
}

void CoordinatorCore::Impl::On(const Tick&) {
  RetryBatches();
  RetryStore();
  if (spool_retry_at_ && now_ >= *spool_retry_at_) {
    spool_retry_at_.reset();
    RequestSpool();
  }
  ExpireLeases();
  if (phase_ == Phase::report) {
    PersistDeadline();
    PumpGrants();
    CheckClose();
  }
  if (select_deadline_ && now_ >= *select_deadline_) RetrySelect();
  if (finishing_) CheckGoodbyes();
  if (draining_) CheckDrained();
}

void CoordinatorCore::Impl::On(const Received& received) {
  if (const auto* hello = std::get_if<Hello>(&received.message)) {
    OnHello(received, *hello);
    return;
  }
  if (const auto* hello = std::get_if<BulkHello>(&received.message)) {
    OnBulkHello(received, *hello);
    return;
  }
  Session* session = FindSession(received.link, received.identity);
  if (session == nullptr) return;
  if (received.fence != Fence{lineage_.id.number, epoch_.epoch}) {
    RefuseSession(*session, Reason::stale_epoch, std::nullopt,
                  "the message names another coordinator life");
    return;
  }
  session->lease_until = now_ + options_.lease_ms;
  OnSessionMessage(received, *session);
}

void CoordinatorCore::Impl::On(const Unreadable& unreadable) {
  const RosterEntry* entry = EntryOf(unreadable.identity);
  RefuseLink(unreadable.link,
             Refused{.reason = unreadable.reason, .text = "the bytes cannot be read"},
             entry == nullptr ? "" : entry->name);
}

void CoordinatorCore::Impl::On(const LinkGone& gone) {
  const auto link = links_.find(gone.link);
  if (link == links_.end()) return;
  // The lease decides when a session ends; a lost link only means that nothing can be sent.
  Session& session = sessions_.at(link->second);
  if (session.bulk == gone.link) session.bulk = 0;
  if (session.control == gone.link) session.control = 0;
  links_.erase(link);
  Count("links_lost");
}

void CoordinatorCore::Impl::On(const HandshakeRefused& refused) {
  const std::string reason(ReasonName(refused.reason));
  Count("refused." + reason);
  const RosterEntry* entry = EntryOf(refused.key);
  Note({.kind = NoticeKind::refused,
        .who = entry == nullptr ? "" : entry->name,
        .reason = refused.reason,
        .text = "handshake with key " + refused.key.Z85()});
}

void CoordinatorCore::Impl::StopNow(Reason reason, std::string text) {
  EnterPhase(Phase::stopped);
  Emit(Stop{reason, std::move(text)});
}

MonotonicMs CoordinatorCore::Impl::NextDeadline() {
  MonotonicMs next = now_ + kTickMsMax;
  if (leases_last_until_ < next) next = std::min(next, NextLeaseEnd());
  for (const auto& [token, pending] : batches_) {
    if (pending.retry_at) next = std::min(next, *pending.retry_at);
  }
  if (phase_ == Phase::report) next = std::min(next, DeadlineAt());
  if (spool_retry_at_) next = std::min(next, *spool_retry_at_);
  if (unstored_ && unstored_->retry_at) next = std::min(next, *unstored_->retry_at);
  if (select_deadline_) next = std::min(next, *select_deadline_);
  if (halt_deadline_ && *halt_deadline_ > now_) next = std::min(next, *halt_deadline_);
  return std::max(next, now_ + 1);
}

void CoordinatorCore::Impl::ArmNextTimer() {
  const MonotonicMs next = NextDeadline();
  // The runtime ticks every kTickMsMax by itself: only an earlier wish is worth saying.
  if (next >= now_ + kTickMsMax || (armed_ && *armed_ == next)) return;
  armed_ = next;
  Emit(ArmTimer{next});
}

}  // namespace muster::coordinator
