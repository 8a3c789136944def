#include "coordinator/runtime/reproducible.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "checkpoint/copy_version.h"

namespace muster::coordinator {

ReproducibilityJudge::ReproducibilityJudge(const JobSpec& job, bool trainer_deterministic,
                                           std::span<const LineageRecord> lineages,
                                           std::span<const RosterEntry> roster)
    : elastic_(job.data.access == DataAccess::elastic),
      drawn_from_roster_(elastic_ || job.round.select_from == SelectFrom::enrolled),
      keeps_client_state_(KeepsClientState(job)),
      forked_(lineages.size() > 1),
      roster_(roster.begin(), roster.end()) {
  if (job.round.mode == Mode::async) {
    AddCause(0, Reason::mode_async, "");
  } else if (!drawn_from_roster_) {
    AddCause(0, Reason::selected_from_present, "");
  }
  if (!trainer_deterministic) AddCause(0, Reason::trainer_not_deterministic, "");
}

void ReproducibilityJudge::Add(const RoundRecord& record) {
  if (record.version == 0) return;
  if (IsCopy(record)) {
    copied_ = true;
    AddCause(record.round, Reason::lineage_forked, "");
    return;
  }
  verdict_.attempts += record.attempts;
  if (!drawn_from_roster_) return;
  CompareRoster(record);
  CompareAccepted(record);
  if (keeps_client_state_) CompareClientStates(record);
}

Reproducibility ReproducibilityJudge::Verdict() const {
  Reproducibility verdict = verdict_;
  if (!forked_ || copied_) return verdict;
  verdict.reproducible = false;
  ++verdict.cause_count;
  verdict.causes.insert(verdict.causes.begin(), {0, Reason::lineage_forked, ""});
  if (verdict.causes.size() > kCausesMax) verdict.causes.pop_back();
  return verdict;
}

void ReproducibilityJudge::CompareRoster(const RoundRecord& record) {
  if (elastic_) return;
  if (!first_ && record.eligible != eligible_) {
    std::vector<RosterIndex> changed;
    std::ranges::set_symmetric_difference(eligible_, record.eligible, std::back_inserter(changed));
    for (const RosterIndex index : changed) {
      AddCause(record.round, Reason::roster_changed, NameOf(index));
    }
  }
  first_ = false;
  eligible_ = record.eligible;
}

void ReproducibilityJudge::CompareAccepted(const RoundRecord& record) {
  std::vector<Slot> accepted;
  for (const RecordedUpdate& update : record.accepted) {
    if (update.id.round == record.round) {
      accepted.push_back(update.id.slot);
    } else {
      AddCause(record.round, Reason::late_folded, NameOfSlot(update.id.slot));
    }
  }
  std::ranges::sort(accepted);
  std::vector<Slot> missing;
  std::ranges::set_difference(record.first_drawn, accepted, std::back_inserter(missing));
  const Reason why = record.closed_by_deadline ? Reason::deadline_passed : Reason::round_closed;
  for (const Slot slot : missing) AddCause(record.round, why, NameOfSlot(slot));
  std::vector<Slot> added;
  std::ranges::set_difference(accepted, record.first_drawn, std::back_inserter(added));
  for (const Slot slot : added) AddCause(record.round, Reason::replaced, NameOfSlot(slot));
}

void ReproducibilityJudge::CompareClientStates(const RoundRecord& record) {
  for (const RecordedUpdate& update : record.accepted) {
    Version& last = counted_[update.id.slot];
    if (update.client_version != last) {
      AddCause(record.round, Reason::client_state_lost, NameOf(update.id.slot));
    }
    last = record.version;
  }
}

void ReproducibilityJudge::AddCause(Round round, Reason cause, std::string who) {
  verdict_.reproducible = false;
  ++verdict_.cause_count;
  if (verdict_.causes.size() >= kCausesMax) return;
  verdict_.causes.push_back({round, cause, std::move(who)});
}

std::string ReproducibilityJudge::NameOfSlot(Slot slot) const {
  return elastic_ ? "block " + std::to_string(slot) : NameOf(slot);
}

std::string ReproducibilityJudge::NameOf(RosterIndex index) const {
  const auto found = std::ranges::lower_bound(roster_, index, {}, &RosterEntry::index);
  if (found != roster_.end() && found->index == index) return found->name;
  return "index " + std::to_string(index);
}

Result<Reproducibility> JudgeReproducibility(CheckpointStore& store, const JobSpec& job,
                                             bool trainer_deterministic,
                                             std::span<const LineageRecord> lineages,
                                             std::span<const RosterEntry> roster) {
  ReproducibilityJudge judge(job, trainer_deterministic, lineages, roster);
  MUSTER_TRY(store.ForEachRoundRecord([&judge](const RoundRecord& record) {
    judge.Add(record);
    return Status{};
  }));
  return judge.Verdict();
}

}  // namespace muster::coordinator
