// Commit: fold, build, one synced batch, and only then tell anybody.
#include <algorithm>

#include "common/limits.h"
#include "coordinator/core/impl.h"

namespace muster::coordinator {
namespace {

// Those asked whose updates of this round are not accepted, ascending.
std::vector<Slot> UnfinishedSlots(const RoundState& round) {
  const auto& cohort = round.record.cohort;
  std::set<Slot> slots(cohort.begin(), cohort.begin() + static_cast<std::ptrdiff_t>(round.asked));
  for (const auto& [id, update] : round.accepted) {
    if (id.round == round.record.round) slots.erase(id.slot);
  }
  return {slots.begin(), slots.end()};
}

}  // namespace

void CoordinatorCore::Impl::EnterCommit(bool by_deadline) {
  EnterPhase(Phase::commit);
  round_->closed_by_deadline = by_deadline;
  PumpBuild();
  PumpCommit();
}

void CoordinatorCore::Impl::On(const Folded& folded) {
  FreeFolded(folded.id);
  if (!round_) return;
  const auto upload = uploads_.find(folded.id.slot);
  if (upload != uploads_.end() && upload->second.offer.id == folded.id) {
    upload->second.folded = upload->second.folding;
  } else {
    if (!round_->accepted.contains(folded.id)) return;
    round_->folded.insert(folded.id);
  }
  PumpBuild();
}

// Builds once nothing can change the sum: the round is closed, or it has its goal, with the last
// updates still on their way to the disk. What is folded is accepted or never leaves this process
// (PumpFolds), so a version that is built early is the right one or dies with the process.
void CoordinatorCore::Impl::PumpBuild() {
  if ((phase_ != Phase::report && phase_ != Phase::commit) || round_->building) return;
  std::size_t own = OwnAccepted();
  std::size_t updates = round_->accepted.size();
  std::size_t folded = round_->folded.size();
  std::uint64_t weight_sum = 0;
  for (const auto& [id, update] : round_->accepted) weight_sum += update.weight;
  for (const auto& [slot, upload] : uploads_) {
    if (!upload.folding) continue;
    ++updates;
    if (!IsLate(upload.offer.id)) ++own;
    if (upload.folded) ++folded;
    weight_sum += upload.offer.weight;
  }
  if (folded < updates || (phase_ == Phase::report && own < Goal())) return;
  round_->building = true;
  Emit(BuildVersion{head_.version + 1, weight_sum});
}

void CoordinatorCore::Impl::On(const VersionBuilt& built) {
  if (!round_ || !round_->building || round_->built) return;
  MUSTER_CHECK(built.manifest.version == head_.version + 1, "another version was built");
  round_->built = built;
  if (in_memory_) return StoreBuilt();
  PumpCommit();
}

// Persists what is built once its updates are durable, which closes the round, and the version
// before it is stored: two that are not would need the spool of three rounds. Where updates are
// accepted in memory, once it is stored itself.
void CoordinatorCore::Impl::PumpCommit() {
  if (phase_ == Phase::commit && round_->built && !unstored_) PersistCommit();
}

void CoordinatorCore::Impl::On(const BuildFailed& failed) {
  StopNow(failed.error.reason, "version " + std::to_string(head_.version + 1) + " of round " +
                                   std::to_string(head_round_ + 1) + ": " + failed.error.message);
}

RoundRecord CoordinatorCore::Impl::MakeRecord() const {
  RoundRecord record;
  record.round = round_->record.round;
  record.version = round_->built->manifest.version;
  record.parent = round_->record.parent;
  record.lineage = lineage_.id.number;
  record.eligible = round_->record.eligible;
  record.first_drawn = round_->record.first_drawn;
  for (const auto& [id, update] : round_->accepted) {
    record.accepted.push_back({id, update.digest, update.weight, FactorOf(update.base_version),
                               update.base_version, update.client_version});
    record.weight_sum += update.weight;
  }
  if (job_.round.late == LatePolicy::fold) record.unfinished = UnfinishedSlots(*round_);
  record.bound_raise = round_->record.bound_raise;
  record.scales = round_->scales;
  record.digest = round_->built->manifest.digest;
  record.attempts = round_->record.attempt;
  record.closed_by_deadline = round_->closed_by_deadline;
  record.deadline_ms = round_->record.deadline_ms;
  return record;
}

std::vector<UpdateFate> CoordinatorCore::Impl::Fates(const RoundRecord& record) const {
  std::vector<UpdateFate> fates;
  for (const RecordedUpdate& update : record.accepted) {
    fates.push_back({update.id, update.digest, true, record.version, Reason::finished});
  }
  if (TakesStale()) return fates;  // Whatever is under way may count in the next version.
  // Those who had offered learn after weeks, too, that the round ended without them.
  for (const auto& [slot, upload] : uploads_) {
    if (upload.offer.id.round != record.round) continue;
    fates.push_back({upload.offer.id, upload.offer.digest, false, 0, Reason::round_closed});
  }
  return fates;
}

// Manifest, record, the updates' consumption and the next round: one batch. It makes the version
// durable: with the updates in the spool it can be computed again.
void CoordinatorCore::Impl::PersistCommit() {
  ForCommit purpose;
  purpose.record = MakeRecord();
  purpose.fates = Fates(purpose.record);
  const RoundRecord& record = purpose.record;
  Batch batch;
  batch.mutations.push_back(PutVersion{round_->built->manifest});
  batch.mutations.push_back(PutRoundRecord{record});
  batch.mutations.push_back(ClearOpenRound{});
  for (const UpdateFate& fate : purpose.fates) batch.mutations.push_back(PutFate{fate});
  purpose.finishes = record.round >= options_.rounds;
  if (purpose.finishes) {
    batch.mutations.push_back(PutFinish{{Reason::finished, record.version}});
  } else if (!options_.target_accuracy && !draining_ &&
             evaluating_.size() + 1 < limits::kEvaluationsWaitingMax) {
    purpose.next = DrawRound(record.round + 1, record.version);
    if (purpose.next) AdaptTo(*purpose.next);
    if (purpose.next) batch.mutations.push_back(PutOpenRound{*purpose.next});
  }
  PersistFor(std::move(purpose), std::move(batch));
}

void CoordinatorCore::Impl::Release(const ForCommit& purpose) {
  const RoundRecord& record = purpose.record;
  for (const UpdateFate& fate : purpose.fates) fates_[fate.id.slot] = fate;
  head_ = round_->built->manifest;
  model_digest_ = round_->built->model_digest;
  head_round_ = record.round;
  late_rounds_.OnCommitted(record);
  Emit(AdvanceHead{head_.version});
  Count("versions_committed");
  Announce(record);
  if (in_memory_) {
    held_.insert(head_.version);
    DropOldVersions();
  } else {
    StoreHead(record);
  }
  round_.reset();
  evaluations_.clear();  // Those of versions that are head no more.
  RequestEvaluation(head_.version);
  if (purpose.finishes) {
    finish_ = FinishRecord{Reason::finished, head_.version};
    SayFinished();
  } else if (draining_) {
    EnterPhase(Phase::paused);
    CheckDrained();
  } else if (purpose.next) {
    EnterConfigure(purpose.next, {});
  } else {
    EnterSelect();
  }
}

// Whoever worked on this round learns what became of it.
void CoordinatorCore::Impl::Announce(const RoundRecord& record) {
  Note({.kind = NoticeKind::version_committed,
        .round = record.round,
        .version = record.version,
        .attempt = record.attempts});
  if (TakesStale()) return AnnounceStale(record);
  for (const auto& [id, update] : round_->accepted) {
    // Who handed in several blocks keeps the last one only.
    const auto session = sessions_.find(update.from);
    const bool kept = session == sessions_.end() || !session->second.ordered ||
                      session->second.ordered->round != record.round ||
                      session->second.ordered->slot == id.slot;
    if (kept) SendTo(update.from, Committed{id, record.version});
  }
  DropAllUploads();
  for (auto& [index, session] : sessions_) {
    if (!session.ordered || session.ordered->round != record.round) continue;
    if (IsAccepted(session.ordered->slot)) continue;
    pace_.OnLate(index, *session.ordered);
    RefuseSession(session, Reason::round_closed, session.ordered,
                  "the round ended without this update");
    session.ordered.reset();
  }
}

}  // namespace muster::coordinator
