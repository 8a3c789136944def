// Report: updates come in until the goal, or the deadline with a quorum; below it the next attempt
// opens. Never a silent wait: every way on has its deadline.
#include <algorithm>

#include "aggregation/scales.h"
#include "common/limits.h"
#include "coordinator/core/impl.h"

namespace muster::coordinator {

bool CoordinatorCore::Impl::InCohort(Slot slot) const {
  const auto& cohort = round_->record.cohort;
  return std::find(cohort.begin(), cohort.end(), slot) != cohort.end();
}

MonotonicMs CoordinatorCore::Impl::DeadlineAt() const {
  return round_->attempt_started + options_.deadline_ms;
}

void CoordinatorCore::Impl::EnterReport() {
  EnterPhase(Phase::report);
  // What earlier lives of this coordinator waited counts too: a crash loop still closes its round.
  round_->attempt_started = now_ - round_->record.deadline_consumed_ms;
  round_->deadline_persisted = now_;
  OrderAllTasks();
  PumpAccepts();
  PumpGrants();
  CheckClose();
}

void CoordinatorCore::Impl::PersistDeadline() {
  if (now_ - round_->deadline_persisted < limits::kDeadlinePersistMs) return;
  round_->deadline_persisted = now_;
  round_->record.deadline_consumed_ms = now_ - round_->attempt_started;
  Batch batch;
  batch.sync = false;  // It must survive a crash loop of the process, not of the machine.
  batch.mutations.push_back(PutOpenRound{round_->record});
  PersistFor(ForDeadline{}, std::move(batch));
}

// Whether any slot of this attempt can still be filled.
bool CoordinatorCore::Impl::AnyFillable() const {
  return std::any_of(round_->record.cohort.begin(), round_->record.cohort.end(), [this](Slot slot) {
    return !round_->accepted.contains(slot) && !round_->refused.contains(slot) &&
           slot < roster_.size() && !roster_[slot].revoked;
  });
}

// The one place that decides how a report phase ends.
void CoordinatorCore::Impl::CheckClose() {
  if (phase_ != Phase::report || AcceptsInFlight()) return;
  const std::size_t accepted = round_->accepted.size();
  const bool quorum = accepted >= job_.round.quorum;
  if (accepted >= job_.round.goal) {
    EnterCommit(/*by_deadline=*/false);
  } else if (now_ >= DeadlineAt()) {
    if (quorum) {
      EnterCommit(/*by_deadline=*/true);
    } else {
      NextAttempt(Reason::below_quorum);
    }
  } else if (!AnyFillable()) {
    if (quorum) {
      EnterCommit(/*by_deadline=*/false);
    } else if (NextAttemptWouldHelp()) {
      NextAttempt(Reason::below_quorum);
    }
  }
}

bool CoordinatorCore::Impl::NextAttemptWouldHelp() const {
  if (!round_->refused_max_abs.empty()) return true;
  const std::vector<RosterIndex> drawable = Drawable();
  return std::any_of(drawable.begin(), drawable.end(),
                     [this](RosterIndex index) { return !InCohort(index); });
}

void CoordinatorCore::Impl::NextAttempt(Reason reason) {
  if (Halting()) return;
  if (options_.attempts_max != 0 && round_->record.attempt >= options_.attempts_max) {
    StopNow(Reason::attempts_exhausted,
            "round " + std::to_string(round_->record.round) + " has " +
                std::to_string(round_->accepted.size()) + " updates after " +
                std::to_string(round_->record.attempt) + " attempts, the quorum is " +
                std::to_string(job_.round.quorum));
    return;
  }
  std::size_t readmitted = 0;
  for (const auto& [slot, why] : round_->refused) readmitted += why == Reason::out_of_bound;
  if (!round_->refused_max_abs.empty() && !RaiseBounds()) return;
  const std::size_t covered = round_->accepted.size() + readmitted;
  const std::size_t wanted = job_.round.goal > covered ? job_.round.goal - covered : 0;
  const std::size_t added = TopUp(wanted);
  round_->record.attempt += 1;
  round_->record.deadline_consumed_ms = 0;
  Count("attempts");
  Note({.kind = NoticeKind::attempt_opened,
        .round = round_->record.round,
        .attempt = round_->record.attempt,
        .reason = reason,
        .text = std::to_string(round_->accepted.size()) + " accepted, quorum " +
                std::to_string(job_.round.quorum) + ", " + std::to_string(added) + " added"});
  EnterPhase(Phase::select);
  PersistOpenRound();
}

// False: the process was stopped, the bounds may grow no further.
bool CoordinatorCore::Impl::RaiseBounds() {
  const std::uint32_t needed = RaiseNeeded(round_->scales, round_->refused_max_abs);
  const std::uint32_t raise = round_->record.bound_raise + needed;
  if (raise > job_.aggregation.bound_raise_max) {
    StopNow(Reason::bound_exhausted,
            "updates need " + std::to_string(raise) + " more bits of bound, " +
                std::to_string(job_.aggregation.bound_raise_max) + " are allowed");
    return false;
  }
  round_->record.bound_raise = raise;
  return true;
}

// Adds up to `wanted` entries that are not in the cohort yet, in the order of the round's draw.
std::size_t CoordinatorCore::Impl::TopUp(std::size_t wanted) {
  auto& record = round_->record;
  std::size_t added = 0;
  for (RosterIndex index : Ranked(Drawable(), record.round)) {
    if (added == wanted || record.cohort.size() >= limits::kCohortMax) break;
    if (InCohort(index)) continue;
    record.cohort.push_back(index);
    if (std::find(record.eligible.begin(), record.eligible.end(), index) == record.eligible.end()) {
      record.eligible.push_back(index);
    }
    ++added;
  }
  std::sort(record.eligible.begin(), record.eligible.end());
  return added;
}

// select_from = "present": a member that is gone is replaced at once, by whoever is here or comes;
// it may still deliver.
void CoordinatorCore::Impl::RefillCohort() {
  if (job_.round.select_from != SelectFrom::present || phase_ != Phase::report || Halting()) return;
  std::size_t able = 0;
  for (Slot slot : round_->record.cohort) {
    able += round_->accepted.contains(slot) || sessions_.contains(slot);
  }
  const std::size_t wanted = CohortSize(job_.round);
  if (able >= wanted) return;
  const std::size_t added = TopUp(wanted - able);
  if (added == 0) return;
  Count("members_added", added);
  PersistOpenRound();
}

}  // namespace muster::coordinator
