// The attempt's deadline, and who is behind the others.
#include <algorithm>

#include "coordinator/core/impl.h"

namespace muster::coordinator {

DeadlineRule CoordinatorOptions::deadline_rule() const {
  return {deadline, deadline_ms, deadline_k_milli};
}

// Decided before the attempt is durable and never after it: what tells anybody of the attempt tells
// of this deadline, and a restart keeps it.
void CoordinatorCore::Impl::AdaptTo(OpenRound& round) {
  if (options_.deadline == DeadlineKind::adaptive) pace_of_attempt_ = pace_.Estimate();
  round.deadline_ms = AdaptDeadline(options_.deadline_rule(), pace_of_attempt_, round.attempt);
}

MonotonicMs CoordinatorCore::Impl::DeadlineAt() const {
  return round_->attempt_started +
         DeadlineInForce(options_.deadline_rule(), round_->record.deadline_ms);
}

std::string CoordinatorCore::Impl::DeadlineWhy() const {
  return DeadlineText(options_.deadline_rule(), round_->record.deadline_ms, pace_of_attempt_,
                      round_->record.attempt);
}

// Of whom an update of this attempt may still come, ascending.
std::vector<RosterIndex> CoordinatorCore::Impl::Awaited() const {
  if (Async()) return AwaitedAsync();
  std::vector<RosterIndex> awaited;
  awaited.reserve(round_->record.cohort.size());
  for (const Slot slot : round_->record.cohort) {
    const std::optional<RosterIndex> holder = HolderOf(slot);
    if (holder && !IsAccepted(slot) && !IsRefused(slot, *holder)) awaited.push_back(*holder);
  }
  std::sort(awaited.begin(), awaited.end());
  return awaited;
}

// The deadline has passed: whoever is still awaited missed it, here or away. In async not those who
// began within the attempt; of elastic data only who loses a block by it, see PassOn.
void CoordinatorCore::Impl::NoteMissed() {
  // While it halts the attempt may stay open, and each tick would count anew.
  if (Halting() || Elastic()) return;
  for (const RosterIndex index : Awaited()) {
    const bool fresh = Async() && pace_.BeganAfter(index, round_->attempt_started);
    if (!fresh) pace_.OnMissed(index);
  }
}

DeadlineStatus CoordinatorCore::Impl::DeadlineNow() const {
  DeadlineStatus status;
  status.kind = options_.deadline;
  status.seen = pace_.Estimate();
  if (!round_) return status;
  status.ms = DeadlineInForce(options_.deadline_rule(), round_->record.deadline_ms);
  status.why = DeadlineWhy();
  return status;
}

}  // namespace muster::coordinator
