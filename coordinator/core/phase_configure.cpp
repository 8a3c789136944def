// Configure: exponents, room in the spool, the sum; then the tasks.
#include "common/limits.h"
#include "coordinator/core/impl.h"
#include "model/staleness.h"

namespace muster::coordinator {

// Enters a round that is durable: a new one, one found after a restart, or the next attempt of one.
void CoordinatorCore::Impl::EnterConfigure(std::optional<OpenRound> round,
                                           const std::vector<AcceptedUpdate>& accepted) {
  const bool same_round = round_ && round_->record.round == round->round;
  const bool same_sum = same_round && !round_->scales.empty() && !round_->building &&
                        round_->scales_raise == round->bound_raise;
  if (!same_sum) {
    RoundState state;
    state.record = std::move(*round);
    if (!in_memory_) {
      for (const AcceptedUpdate& update : accepted) state.accepted[update.id] = update;
    }
    if (same_round) state.refused = std::move(round_->refused);
    if (same_round) state.leases = std::move(round_->leases);
    if (same_round) state.leases_lost = std::move(round_->leases_lost);
    round_ = std::move(state);
  }
  round_->asked = round_->record.cohort.size();
  round_->last_refusals.clear();
  EnterPhase(Phase::configure);
  if (!same_sum) {
    if (!OpenRoundSum()) return;
    for (const auto& [id, update] : round_->accepted) {
      Emit(Fold{id, update.digest, update.extent, update.weight, FactorOf(update.base_version)});
    }
  }
  const bool goes_on = TakesStale() && !same_round;
  for (auto& [index, session] : sessions_) {
    if (goes_on) break;  // What is under way stays so over the commit.
    // An attempt asks everybody again, for the first order may never have arrived; but not those
    // whose update it would refuse again.
    session.asked.clear();
    if (!session.ordered || IsRefused(session.ordered->slot, index)) continue;
    session.ordered.reset();
    Miss(index);
  }
  if (spool_ready_) {
    EnterReport();
  } else if (!spool_token_ && !spool_retry_at_) {
    RequestSpool();
  }
}

std::uint32_t SpoolExtentCount(const JobSpec& job) {
  return 2 * UpdatesInSumMax(job.round) + (LateUpdatesMax(job.round) > 0 ? 2 : 1);
}

bool CoordinatorCore::Impl::OpenRoundSum() {
  auto scales = ComputeLaneScales(*lanes_, head_.tensor_max_abs,
                                  {WeightInSumMax(job_), UpdatesInSumMax(job_.round)},
                                  round_->record.bound_raise);
  if (!scales.has_value()) {
    StopNow(scales.error().reason, "the round's exponents: " + scales.error().message);
    return false;
  }
  round_->scales = std::move(*scales);
  round_->scales_raise = round_->record.bound_raise;
  Emit(OpenSum{round_->scales});
  return true;
}

void CoordinatorCore::Impl::RequestSpool() {
  spool_token_ = next_id_++;
  Emit(PrepareSpool{*spool_token_, lanes_->layout().total_bytes(), extent_count_});
}

void CoordinatorCore::Impl::On(const SpoolPrepared& prepared) {
  if (spool_token_ != prepared.token) return;
  spool_token_.reset();
  spool_ready_ = true;
  if (phase_ == Phase::configure) EnterReport();
}

// Tells a participant what its slot asks for, once a session and attempt, unless nothing is asked
// of it (any more), or its update is whole here and only awaits the disk: a process that took over
// and does not hold it would train it again. Which training the round asks for the participant
// knows from the job: Strategy::Ask.
void CoordinatorCore::Impl::OrderTask(Session& session) {
  if (phase_ != Phase::report || Halting()) return;
  const std::optional<Slot> slot = Elastic() ? TakeLease(session) : SlotOf(session.index);
  if (!slot || IsAccepted(*slot) || IsRefused(*slot, session.index)) return;
  if (IsWhole(*slot)) return;
  if (TakesStale() && !MayBegin(session)) return;
  const UpdateId id = Async() ? NextIdOf(*slot) : IdOf(*slot);
  if (session.ordered == id) return;
  session.ordered = id;
  if (Elastic()) session.asked.insert(*slot);
  if (Async()) turns_.OnTask(session.index);
  if (session.control != 0) pace_.OnTask(session.index, id, now_);
  Count("tasks_ordered");
  SendTo(session.index, TaskOrder{.id = id,
                                  .attempt = round_->record.attempt,
                                  .base_version = head_.version,
                                  .base_digest = head_.digest,
                                  .model_digest = model_digest_,
                                  .model_bytes = DownloadBytes(*strategy_, head_.model_bytes),
                                  .scales = round_->scales,
                                  .deadline_ms = DeadlineAt() - now_});
}

void CoordinatorCore::Impl::OrderAllTasks() {
  if (Async()) return OrderByTurn();
  // Whoever is free takes a block before its holder is asked for it once more.
  if (Elastic()) {
    for (const RosterIndex index : FreeHolders()) OrderTask(sessions_.at(index));
  }
  for (auto& [index, session] : sessions_) OrderTask(session);
}

}  // namespace muster::coordinator
