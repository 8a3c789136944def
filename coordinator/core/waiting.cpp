// What the core waits for, answered at any moment.
#include <algorithm>

#include "coordinator/core/impl.h"

namespace muster::coordinator {
namespace {

// Fills in what is awaited, until when, and what happens then.
auto Setter(WaitState& wait, MonotonicMs now) {
  return [&wait, now](WaitKind kind, std::optional<MonotonicMs> deadline, std::string next) {
    wait.kind = kind;
    wait.deadline_in_ms = deadline ? std::max<MonotonicMs>(*deadline - now, 0) : -1;
    wait.next = std::move(next);
  };
}

}  // namespace

WaitState CoordinatorCore::Impl::Waiting(MonotonicMs now) const {
  WaitState wait;
  wait.phase = phase_;
  wait.since_ms = now - wait_since_;
  const auto set = Setter(wait, now);
  if (phase_ == Phase::stopped || phase_ == Phase::starting) return wait;
  for (const auto& [token, pending] : batches_) {
    if (!pending.retry_at) continue;
    set(WaitKind::disk_space, pending.retry_at, "the batch is written again; free some disk space");
    return wait;
  }
  if (finishing_) {
    if (!evaluating_.empty()) {
      set(WaitKind::evaluation, std::nullopt, "the process ends once every version is evaluated");
    } else {
      for (const auto& [index, session] : sessions_) wait.whom.push_back(index);
      set(WaitKind::goodbyes, halt_deadline_, "the process ends");
    }
    return wait;
  }
  if (draining_) {
    for (const auto& [slot, upload] : uploads_) wait.whom.push_back(upload.from);
    set(WaitKind::drain, halt_deadline_, "the process ends; a later start resumes");
    return wait;
  }
  WaitInPhase(now, wait);
  return wait;
}

// What the deadline of the attempt brings, and what stands in the quorum's way so far.
std::string CoordinatorCore::Impl::AfterDeadline() const {
  if (round_->accepted.size() >= job_.round.quorum) return "the round closes with those accepted";
  const std::string refused = ReasonCountsText(RefusedByReason());
  return std::string("the next attempt opens") +
         (refused.empty() ? "" : "; refused in this one: " + refused) +
         (QuorumImpossible()
              ? "; no attempt reaches the quorum before a participant is mended and started "
                "again, or enrolled"
              : "");
}

void CoordinatorCore::Impl::WaitInPhase(MonotonicMs now, WaitState& wait) const {
  const auto set = Setter(wait, now);
  switch (phase_) {
    case Phase::select:
      if (round_) {
        set(WaitKind::round_persisted, std::nullopt, "the store answers or the process ends");
      } else {
        const bool present = job_.round.select_from == SelectFrom::present;
        set(present ? WaitKind::present : WaitKind::enrolment, select_deadline_,
            "said again; the round opens as soon as " + std::to_string(job_.round.quorum) +
                " participants can be drawn");
      }
      break;
    case Phase::configure:
      if (spool_retry_at_) {
        set(WaitKind::disk_space, spool_retry_at_, "tried again; free some disk space");
      } else {
        set(WaitKind::spool_prepared, std::nullopt, "the disk answers or the process ends");
      }
      break;
    case Phase::report:
      for (Slot slot : round_->record.cohort) {
        const bool settled = round_->accepted.contains(slot) || round_->refused.contains(slot);
        if (!settled) wait.whom.push_back(slot);
      }
      wait.refused = RefusedByReason();
      std::sort(wait.whom.begin(), wait.whom.end());
      if (AcceptsInFlight()) {
        set(WaitKind::updates_persisted, DeadlineAt(), "the round may close");
      } else {
        set(WaitKind::updates, DeadlineAt(), AfterDeadline());
      }
      break;
    case Phase::commit:
      if (!round_->building) {
        set(WaitKind::sums_folded, std::nullopt, "the version is built");
      } else if (!round_->built) {
        set(WaitKind::version_built, std::nullopt, "the commit is persisted");
      } else {
        set(WaitKind::version_persisted, std::nullopt, "the version is announced");
      }
      break;
    case Phase::paused:
      set(WaitKind::evaluation, std::nullopt, "the target decides whether there is a next round");
      break;
    case Phase::starting:
    case Phase::stopped:
      break;
  }
}

}  // namespace muster::coordinator
