// Report: updates come in until the goal, or the deadline with a quorum; below it the next attempt
// opens. Never a silent wait: every way on has its deadline.
#include <algorithm>

#include "aggregation/scales.h"
#include "common/limits.h"
#include "common/text.h"
#include "coordinator/core/impl.h"
#include "model/staleness.h"

namespace muster::coordinator {

bool CoordinatorCore::Impl::InCohort(Slot slot) const {
  if (Async()) return slot < roster_.size() && CanHold(slot);
  const auto& cohort = round_->record.cohort;
  return std::find(cohort.begin(), cohort.end(), slot) != cohort.end();
}

// A member whose place in the cohort a full disk has not taken yet is not asked: an update that was
// accepted of it would count, after a restart, in a round that never asked for it.
bool CoordinatorCore::Impl::IsAsked(Slot slot) const {
  if (Async()) return InCohort(slot);
  const auto& cohort = round_->record.cohort;
  const auto end = cohort.begin() + static_cast<std::ptrdiff_t>(round_->asked);
  return std::find(cohort.begin(), end, slot) != end;
}

void CoordinatorCore::Impl::EnterReport() {
  EnterPhase(Phase::report);
  // What earlier lives of this coordinator waited counts too: a crash loop still closes its round.
  round_->attempt_started = now_ - round_->record.deadline_consumed_ms;
  round_->deadline_persisted = now_;
  if (TakesStale()) CarryOver();
  for (auto& [index, session] : sessions_) ResumeLease(session);
  OrderAllTasks();
  PumpFolds();
  PumpAccepts();
  PumpGrants();
  CheckClose();
}

void CoordinatorCore::Impl::PersistDeadline() {
  if (now_ - round_->deadline_persisted < limits::kDeadlinePersistMs) return;
  // A disk that hangs must not collect them: the next one says more.
  const bool pending = std::any_of(batches_.begin(), batches_.end(), [](const auto& batch) {
    return std::holds_alternative<ForDeadline>(batch.second.purpose);
  });
  if (pending) return;
  round_->deadline_persisted = now_;
  round_->record.deadline_consumed_ms = now_ - round_->attempt_started;
  Batch batch;
  batch.sync = false;  // It must survive a crash loop of the process, not of the machine.
  batch.mutations.push_back(PutOpenRound{round_->record});
  PersistFor(ForDeadline{}, std::move(batch));
}

// Of elastic data a round ends with all its blocks, so that every example counts once an epoch.
std::size_t CoordinatorCore::Impl::Goal() const {
  return Elastic() && round_ ? round_->record.cohort.size() : job_.round.goal;
}

// Late updates come on top of the round's own: they neither close it nor make a quorum.
std::size_t CoordinatorCore::Impl::OwnAccepted() const {
  if (LateUpdatesMax(job_.round) == 0) return round_->accepted.size();
  return static_cast<std::size_t>(std::ranges::count_if(
      round_->accepted, [this](const auto& entry) { return !IsLate(entry.first); }));
}

std::size_t CoordinatorCore::Impl::Quorum() const { return Elastic() ? Goal() : job_.round.quorum; }

// Whether any slot of this attempt can still be filled.
bool CoordinatorCore::Impl::AnyFillable() const {
  if (Async()) return AnyoneMayDeliver();
  return std::any_of(round_->record.cohort.begin(), round_->record.cohort.end(),
                     [this](Slot slot) { return IsFillable(slot); });
}

// Whether all who have a block only keep an update of it for larger bounds. Whoever else is here
// was given what there is to do, so nothing comes before the next attempt.
bool CoordinatorCore::Impl::AllAwaitBounds() const {
  return Elastic() && !round_->leases.empty() &&
         std::all_of(round_->leases.begin(), round_->leases.end(),
                     [this](const auto& lease) { return AwaitsBounds(lease.first); });
}

// The one place that decides how a report phase ends.
void CoordinatorCore::Impl::CheckClose() {
  if (phase_ != Phase::report || AcceptsInFlight()) return;
  const std::size_t accepted = OwnAccepted();
  const bool quorum = accepted >= Quorum();
  if (accepted >= Goal()) {
    EnterCommit(/*by_deadline=*/false);
  } else if (now_ >= DeadlineAt()) {
    NoteMissed();
    if (quorum) {
      EnterCommit(/*by_deadline=*/true);
    } else {
      WarnIfImpossible();
      NextAttempt(Reason::below_quorum);
    }
  } else if (!AnyFillable() || AllAwaitBounds()) {
    WarnIfImpossible();
    if (quorum) {
      EnterCommit(/*by_deadline=*/false);
    } else if (NextAttemptWouldHelp()) {
      NextAttempt(Reason::below_quorum);
    }
  }
}

bool CoordinatorCore::Impl::NextAttemptWouldHelp() const {
  const bool raise_helps =
      std::any_of(round_->refused.begin(), round_->refused.end(),
                  [this](const auto& entry) { return FitsUnderCap(entry.second); });
  if (raise_helps || BoundExhausted()) return true;
  if (Elastic()) return false;
  const std::vector<RosterIndex> drawable = Drawable();
  return std::any_of(drawable.begin(), drawable.end(),
                     [this](RosterIndex index) { return !InCohort(index); });
}

bool CoordinatorCore::Impl::FitsUnderCap(const RefusedSlot& refused) const {
  return refused.reason == Reason::out_of_bound &&
         refused.raise <= job_.aggregation.bound_raise_max - round_->record.bound_raise;
}

Reach CoordinatorCore::Impl::WithinReach() const {
  Reach reach;
  if (Elastic()) {
    for (const Slot slot : round_->record.cohort) AddReach(slot, reach);
  } else {
    for (const RosterEntry& entry : roster_) AddReach(entry.index, reach);
  }
  if (Async()) AsyncReach(reach);
  return reach;
}

// Whether nothing but the cap of the bounds is in the quorum's way. One huge value is no reason to
// stop while others can do without it.
bool CoordinatorCore::Impl::BoundExhausted() const {
  const Reach reach = WithinReach();
  return reach.updates < Quorum() && reach.updates + reach.too_large >= Quorum();
}

ReasonCounts CoordinatorCore::Impl::RefusedByReason() const {
  ReasonCounts counts;
  std::set<Slot> counted;
  for (const auto& [of, refused] : round_->refused) {
    if (counted.insert(of.first).second) counts[refused.reason] += 1;
  }
  for (const auto& [slot, reason] : round_->last_refusals) {
    if (!counted.contains(slot)) counts[reason] += 1;
  }
  return counts;
}

// Whether no further attempt can reach the quorum unless somebody mends a participant or enrols
// one.
bool CoordinatorCore::Impl::QuorumImpossible() const {
  if (round_->refused.empty()) return false;
  const Reach reach = WithinReach();
  return reach.updates + reach.too_large < Quorum();
}

// Attempts go on by rule, so that whoever mends a participant finds the round open; but never
// without saying that they cannot help by themselves. Once an attempt.
void CoordinatorCore::Impl::WarnIfImpossible() {
  if (!QuorumImpossible() || round_->warned_in == round_->record.attempt) return;
  round_->warned_in = round_->record.attempt;
  Count("quorums_impossible");
  Note({.kind = NoticeKind::quorum_impossible,
        .round = round_->record.round,
        .attempt = round_->record.attempt,
        .reason = Reason::below_quorum,
        .text = "the round cannot reach its quorum of " + std::to_string(Quorum()) +
                " with the participants there are; attempts go on, but none of them helps: find "
                "out why the updates were refused, mend those participants and start them again, "
                "or enrol others; round.attempts_max ends such a job by itself",
        .refused = RefusedByReason()});
}

// Of the open round, as far as attempts_max counts them. Of elastic data a deadline ends leases, so
// an attempt in which a block was accepted is none that failed. It follows from what is durable.
std::size_t CoordinatorCore::Impl::AttemptsSpent() const {
  std::set<Attempt> accepted_in;
  if (Elastic()) {
    for (const auto& [id, update] : round_->accepted) accepted_in.insert(update.attempt);
  }
  return round_->record.attempt - accepted_in.size();
}

void CoordinatorCore::Impl::NextAttempt(Reason reason) {
  if (Halting()) return;
  if (options_.attempts_max != 0 && AttemptsSpent() >= options_.attempts_max) {
    StopNow(Reason::attempts_exhausted,
            RoundText() + "; given up after " + Counted(AttemptsSpent(), "attempt") +
                (Elastic() ? " without a block" : "") +
                "; a start with the same limit ends at once again: raise round.attempts_max (0: no "
                "limit) to let the job go on");
    return;
  }
  if (BoundExhausted()) {
    StopNow(Reason::bound_exhausted,
            RoundText() + "; the bounds were raised by " +
                std::to_string(round_->record.bound_raise) + " of " +
                Counted(job_.aggregation.bound_raise_max, "bit") +
                " (aggregation.bound_raise_max), and the quorum needs more: the training diverges, "
                "or the cap is too low for this job");
    return;
  }
  const std::string text = AttemptText();
  ReasonCounts refused = RefusedByReason();
  const std::size_t covered = OwnAccepted() + RaiseBounds();
  const std::size_t wanted = Goal() > covered ? Goal() - covered : 0;
  const std::size_t added = Elastic() ? 0 : TopUp(wanted);
  round_->record.attempt += 1;
  round_->record.deadline_consumed_ms = 0;
  AdaptTo(round_->record);
  Count("attempts");
  Note({.kind = NoticeKind::attempt_opened,
        .round = round_->record.round,
        .attempt = round_->record.attempt,
        .reason = reason,
        .text = text + (Elastic() ? "; leases that have ended pass to whoever is free"
                                  : ", " + std::to_string(added) + " added"),
        .refused = std::move(refused)});
  EnterPhase(Phase::select);
  PersistOpenRound();
}

// How the attempt stands: "1 accepted, quorum 2".
std::string CoordinatorCore::Impl::AttemptText() const {
  const std::size_t own = OwnAccepted();
  const std::size_t late = round_->accepted.size() - own;
  return std::to_string(own) + " accepted, quorum " + std::to_string(Quorum()) +
         (late == 0 ? "" : ", and " + std::to_string(late) + " late") +
         (disk_short_ ? "; no upload is granted (disk_full)" : "");
}

// Why a round cannot go on: "round 7: 1 accepted, quorum 2; refused: 3 not_finite".
std::string CoordinatorCore::Impl::RoundText() const {
  const std::string refused = ReasonCountsText(RefusedByReason());
  return "round " + std::to_string(round_->record.round) + ": " + AttemptText() +
         (refused.empty() ? "" : "; refused: " + refused);
}

// Raises the bounds for all that were too large, as far as the cap allows it; the others stay out.
// Returns how many slots may be filled now.
std::size_t CoordinatorCore::Impl::RaiseBounds() {
  std::uint32_t raise = 0;
  for (const auto& [of, refused] : round_->refused) {
    if (FitsUnderCap(refused)) raise = std::max(raise, refused.raise);
  }
  if (raise == 0) return 0;
  round_->record.bound_raise += raise;
  const std::size_t before = round_->refused.size();
  for (auto& [of, refused] : round_->refused) refused.raise -= std::min(refused.raise, raise);
  std::erase_if(round_->refused, [](const auto& entry) {
    return entry.second.reason == Reason::out_of_bound && entry.second.raise == 0;
  });
  return before - round_->refused.size();
}

// Adds up to `wanted` entries that are not in the cohort yet, in the order of the round's draw.
std::size_t CoordinatorCore::Impl::TopUp(std::size_t wanted) {
  auto& record = round_->record;
  std::vector<RosterIndex> others = Drawable();
  std::erase_if(others, [&](RosterIndex index) { return InCohort(index); });
  std::size_t added = 0;
  for (RosterIndex index : Ranked(std::move(others), record.round)) {
    if (added == wanted || record.cohort.size() >= limits::kCohortMax) break;
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
  if (Elastic() || Async()) return OrderAllTasks();  // What was given back goes to whoever is free.
  std::size_t able = 0;
  for (Slot slot : round_->record.cohort) {
    able += IsAccepted(slot) || sessions_.contains(slot);
  }
  const std::size_t wanted = CohortSize(job_.round);
  if (able >= wanted) return;
  const std::size_t added = TopUp(wanted - able);
  if (added == 0) return;
  Count("members_added", added);
  PersistOpenRound();
}

}  // namespace muster::coordinator
