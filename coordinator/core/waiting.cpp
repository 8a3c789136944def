// What the core waits for, answered at any moment.
#include <algorithm>
#include <type_traits>

#include "common/text.h"
#include "coordinator/core/impl.h"

namespace muster::coordinator {
namespace {

// Fills in what is awaited, until when, and what happens then: a text, or what makes it.
auto Setter(WaitState& wait, MonotonicMs now, WaitDetail detail) {
  return
      [&wait, now, detail](WaitKind kind, std::optional<MonotonicMs> deadline, const auto& next) {
        wait.kind = kind;
        wait.deadline_in_ms = deadline ? std::max<MonotonicMs>(*deadline - now, 0) : -1;
        if (detail == WaitDetail::brief) return;
        if constexpr (std::is_invocable_v<decltype(next)>) {
          wait.next = next();
        } else {
          wait.next = next;
        }
      };
}

// With or without the evaluation that decided it.
bool WritesFinish(const std::pair<const Token, PendingBatch>& batch) {
  const auto* evaluation = std::get_if<ForEvaluation>(&batch.second.purpose);
  return evaluation != nullptr ? evaluation->finishes
                               : std::holds_alternative<ForFinish>(batch.second.purpose);
}

}  // namespace

WaitState CoordinatorCore::Impl::Waiting(MonotonicMs now, WaitDetail detail) const {
  WaitState wait;
  wait.phase = phase_;
  wait.since_ms = now - wait_since_;
  const auto set = Setter(wait, now, detail);
  if (phase_ == Phase::stopped || phase_ == Phase::starting) return wait;
  for (const auto& [token, pending] : batches_) {
    if (!pending.retry_at) continue;
    set(WaitKind::disk_space, pending.retry_at, "tried again; free some disk space");
    return wait;
  }
  if (unstored_ && unstored_->retry_at) {
    set(WaitKind::disk_space, unstored_->retry_at, "tried again; free some disk space");
    return wait;
  }
  if (finishing_) {
    if (unstored_) {
      set(WaitKind::version_stored, std::nullopt, "the last version is on disk");
    } else if (!dropping_.empty()) {
      set(WaitKind::versions_dropped, std::nullopt, "the space of old versions is free");
    } else if (!evaluating_.empty()) {
      set(WaitKind::evaluation, std::nullopt, "the process ends once every version is evaluated");
    } else {
      if (detail == WaitDetail::full) {
        for (const auto& [index, session] : sessions_) wait.whom.push_back(index);
      }
      set(WaitKind::goodbyes, halt_deadline_, "the process ends");
    }
    return wait;
  }
  if (draining_) {
    if (detail == WaitDetail::full) {
      for (const auto& [slot, upload] : uploads_) wait.whom.push_back(upload.from);
    }
    set(WaitKind::drain, halt_deadline_, "the process ends; a later start resumes");
    return wait;
  }
  WaitInPhase(now, detail, wait);
  return wait;
}

// What the deadline of the attempt brings, and what stands in the quorum's way so far.
std::string CoordinatorCore::Impl::AfterDeadline() const {
  const std::string why =
      options_.deadline == DeadlineKind::adaptive ? "; " + DeadlineWhy() : std::string();
  if (OwnAccepted() >= Quorum()) return "the round closes with those accepted" + why;
  const std::string refused = ReasonCountsText(RefusedByReason());
  std::size_t free = 0;
  for (const Slot slot : round_->record.cohort) {
    free += !IsAccepted(slot) && !HolderOf(slot);
  }
  return std::string("the next attempt opens") +
         (free == 0 ? "" : "; who comes or gets free is given one of " + Counted(free, "block")) +
         (refused.empty() ? "" : "; refused in this one: " + refused) +
         (QuorumImpossible()
              ? "; no attempt reaches the quorum before a participant is mended and started "
                "again, or enrolled"
              : "") +
         why;
}

void CoordinatorCore::Impl::WaitInReport(MonotonicMs now, WaitDetail detail,
                                         WaitState& wait) const {
  if (detail == WaitDetail::full) {
    wait.whom = Awaited();
    wait.refused = RefusedByReason();
  }
  const auto set = Setter(wait, now, detail);
  if (AcceptsInFlight()) {
    set(WaitKind::updates_persisted, DeadlineAt(), "the round may close");
  } else if (disk_short_) {
    set(WaitKind::disk_space, DeadlineAt(), [this] {
      return AfterDeadline() + "; uploads are granted again once " +
             std::to_string(RoomForGrants(head_.total_bytes)) +
             " bytes are free on the state's volume";
    });
  } else {
    set(WaitKind::updates, DeadlineAt(), [this] { return AfterDeadline(); });
  }
}

void CoordinatorCore::Impl::WaitInPhase(MonotonicMs now, WaitDetail detail, WaitState& wait) const {
  const auto set = Setter(wait, now, detail);
  switch (phase_) {
    case Phase::select:
      if (round_) {
        set(WaitKind::round_persisted, std::nullopt,
            "the round is on disk and its tasks are prepared");
      } else {
        const bool present = job_.round.select_from == SelectFrom::present;
        set(present ? WaitKind::present : WaitKind::enrolment, select_deadline_, [&] {
          return "the draw is tried again; it needs " + Counted(NeededToOpen(), "participant") +
                 (present ? " connected" : " enrolled");
        });
      }
      break;
    case Phase::configure:
      if (spool_retry_at_) {
        set(WaitKind::disk_space, spool_retry_at_, "tried again; free some disk space");
      } else {
        set(WaitKind::spool_prepared, std::nullopt,
            "there is room on disk for the updates and the tasks are handed out");
      }
      break;
    case Phase::report:
      WaitInReport(now, detail, wait);
      break;
    case Phase::commit:
      if (!round_->building) {
        set(WaitKind::sums_folded, std::nullopt, "the version is built");
      } else if (!round_->built) {
        set(WaitKind::version_built, std::nullopt, "the version is committed");
      } else if (unstored_) {
        set(WaitKind::version_stored, std::nullopt,
            in_memory_ ? "the version is on disk, and is committed"
                       : "the version before it is on disk, and this one is committed");
      } else {
        set(WaitKind::version_persisted, std::nullopt, "the version is announced");
      }
      break;
    case Phase::paused:
      if (std::any_of(batches_.begin(), batches_.end(), WritesFinish)) {
        set(WaitKind::finish_persisted, std::nullopt, "everybody is told that the job is over");
        break;
      }
      set(WaitKind::evaluation, std::nullopt, [this] {
        return options_.target_accuracy
                   ? "the accuracy decides whether the target is reached or the next round opens"
                   : std::to_string(evaluating_.size()) +
                         " versions wait to be evaluated; the next round opens when they are fewer";
      });
      break;
    case Phase::starting:
    case Phase::stopped:
      break;
  }
}

}  // namespace muster::coordinator
