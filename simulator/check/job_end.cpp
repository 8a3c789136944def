#include "simulator/check/job_end.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

namespace muster::simulator {
namespace {

/// Sums of the same squares in another order differ by less.
constexpr double kTolerance = 1e-9;

bool IsNear(double left, double right) {
  return std::fabs(left - right) <= kTolerance * std::max(1.0, std::fabs(right));
}

}  // namespace

bool JobEnd::ReachesTarget(Version version) const {
  const auto& target = setup_.options.target_accuracy;
  // What was not trained is not evaluated.
  if (!target || version == 0) return false;
  const VersionFacts* facts = versions_.FactsOf(version);
  return facts != nullptr && facts->accuracy >= *target;
}

void JobEnd::OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) {
  refused_.clear();
  gave_up_ = false;
  Expect(!finish_ || recovered.finish, [] { return "the end of the job is forgotten by a start"; });
  // A process died between the write and its word.
  if (recovered.finish && !finish_) CheckFinish(*recovered.finish, recovered.head->version);
  finish_ = recovered.finish;
}

void JobEnd::CheckEvaluation(const EvaluationRecord& record) {
  const VersionFacts* facts = versions_.FactsOf(record.version);
  if (versions_.broken()) return;
  Expect(facts != nullptr && setup_.options.evaluate && IsNear(record.loss, facts->loss) &&
             IsNear(record.accuracy, facts->accuracy),
         [&] {
           return VersionText(record.version) + " is evaluated with accuracy " +
                  std::to_string(record.accuracy) +
                  (facts == nullptr ? ", and there is none"
                                    : "; it has " + std::to_string(facts->accuracy));
         });
}

void JobEnd::CheckFinish(const FinishRecord& finish, Version head) {
  Expect(finish.reason == Reason::finished && finish.version == head, [&] {
    return "the job is to end with " + VersionText(finish.version) + ", head is " +
           std::to_string(head);
  });
  Expect(finish.version == setup_.options.rounds || ReachesTarget(finish.version) ||
             versions_.broken(),
         [&] {
           return "the job is to end with " + VersionText(finish.version) + " of " +
                  std::to_string(setup_.options.rounds) + ", which does not reach the target";
         });
}

void JobEnd::CheckCommit(Version version) {
  Expect(!finish_, [&] { return VersionText(version) + " is committed after the end of the job"; });
  Expect(!ReachesTarget(version - 1), [&] {
    return VersionText(version) + " is committed, and the one before reached the target";
  });
}

void JobEnd::CheckBatch(const Batch& batch) {
  Version head = last();
  for (const auto* put : All<PutRoundRecord>(batch)) {
    head = put->record.version;
    if (head > 0) CheckCommit(head);
  }
  for (const auto* put : All<PutOpenRound>(batch)) {
    Expect(!ReachesTarget(put->round.parent), [&] {
      return "a round opens on " + VersionText(put->round.parent) + ", which reaches the target";
    });
  }
  for (const auto* put : All<PutEvaluation>(batch)) CheckEvaluation(put->record);
  for (const auto* put : All<PutFinish>(batch)) CheckFinish(put->record, head);
  Expect(All<ClearFinish>(batch).empty(), [] { return "an end of the job is taken back"; });
}

bool JobEnd::CountsInRound(const AcceptedUpdate& update) const {
  const Round round = ledger_.open_round()->round;
  const bool late = setup_.job.round.late == LatePolicy::fold && update.id.round != round;
  return update.id.lineage == ledger_.fence().lineage && update.counts_in == round && !late;
}

std::size_t JobEnd::AcceptedInRound() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      ledger_.accepted(), [&](const auto& one) { return CountsInRound(one.second); }));
}

// Of elastic data: attempts_max is of those in which no block was accepted.
std::size_t JobEnd::AttemptsWithAccept() const {
  std::set<Attempt> attempts;
  if (setup_.job.data.access != DataAccess::elastic) return 0;
  for (const auto& [id, update] : ledger_.accepted()) {
    if (CountsInRound(update)) attempts.insert(update.attempt);
  }
  return attempts.size();
}

// With all who were not refused and may still come there is no quorum, and values too large are in
// the way.
void JobEnd::CheckBound() {
  // Of elastic data a block is too large only if all who may do it say so.
  if (setup_.job.data.access == DataAccess::elastic) return;
  const std::optional<OpenRound>& open = ledger_.open_round();
  std::size_t reach = AcceptedInRound();
  std::size_t too_large = 0;
  for (const RosterEntry& entry : ledger_.roster()) {
    const UpdateId id{ledger_.fence().lineage, open->round, entry.index, 0};
    if (entry.revoked || entry.index >= setup_.job.data.parts || ledger_.accepted().contains(id)) {
      continue;
    }
    // In async an id is of its base: any of the slot's may be the one that was too large.
    const bool async = setup_.job.round.mode == Mode::async;
    bool refused = false, large = false;
    for (const auto& [of, reason] : refused_) {
      if (async ? of.slot != entry.index : of != id) continue;
      refused = true;
      large = large || reason == Reason::out_of_bound;
    }
    if (!refused) ++reach;
    if (large) ++too_large;
  }
  Expect(reach < setup_.job.round.quorum && too_large > 0, [&] {
    return "the coordinator gives up for its bounds with " + std::to_string(too_large) +
           " updates too large and " + std::to_string(reach) + " within reach; quorum " +
           std::to_string(setup_.job.round.quorum);
  });
}

void JobEnd::CheckStop(const coordinator::Stop& stop) {
  if (stop.reason == Reason::finished) {
    Expect(finish_.has_value(),
           [] { return "the process ends as finished, and no such end is durable"; });
    return;
  }
  if (stop.reason != Reason::attempts_exhausted && stop.reason != Reason::bound_exhausted) return;
  gave_up_ = true;
  const std::optional<OpenRound>& open = ledger_.open_round();
  Expect(open && AcceptedInRound() < setup_.job.round.quorum,
         [] { return "the coordinator gives up with no round open, or with a quorum"; });
  if (!open) return;
  if (stop.reason == Reason::bound_exhausted) return CheckBound();
  const Attempt most = setup_.options.attempts_max;
  const std::size_t good = AttemptsWithAccept();
  Expect(most > 0 && open->attempt - good == most, [&] {
    return "the coordinator gives up in attempt " + std::to_string(open->attempt) + " of " +
           std::to_string(most) +
           (good == 0 ? "" : " that may fail; " + std::to_string(good) + " did not");
  });
}

void JobEnd::OnEffect(const coordinator::Effect& effect) {
  if (const auto* persist = std::get_if<coordinator::Persist>(&effect)) {
    CheckBatch(persist->batch);
  } else if (const auto* refused = Sent<Refused>(effect); refused != nullptr && refused->id) {
    // What may be offered again by itself was not judged.
    if (refused->retry_after_ms == 0) refused_[*refused->id] = refused->reason;
  } else if (const auto* stop = std::get_if<coordinator::Stop>(&effect)) {
    CheckStop(*stop);
  }
}

void JobEnd::OnWritten(const Batch& batch) {
  for (const auto* put : All<PutFinish>(batch)) finish_ = put->record;
}

void JobEnd::OnFinish(CheckpointStore& /*store*/) {
  Expect(gave_up_ || (finish_ && finish_->version == last()), [&] {
    return VersionText(last()) + " is the last, and the end of the job is " +
           (finish_ ? "written with " + VersionText(finish_->version) : "not written");
  });
}

}  // namespace muster::simulator
