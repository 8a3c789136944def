// Select: who is asked for a contribution. The draw is a pure function of job seed, round and
// roster; it is persisted before anybody hears of it.
#include <algorithm>
#include <numeric>
#include <utility>

#include "common/limits.h"
#include "common/random.h"
#include "common/text.h"
#include "coordinator/core/impl.h"
#include "model/elastic.h"

namespace muster::coordinator {

std::vector<RosterIndex> CoordinatorCore::Impl::Ranked(std::vector<RosterIndex> indexes,
                                                       Round round) const {
  // Each rank is a hash: once a participant, not once a comparison.
  std::vector<std::pair<std::uint64_t, RosterIndex>> ranks;
  ranks.reserve(indexes.size());
  for (RosterIndex index : indexes) {
    ranks.emplace_back(KeyedNumber(job_.seed, "select", {round, index}), index);
  }
  std::sort(ranks.begin(), ranks.end());
  std::transform(ranks.begin(), ranks.end(), indexes.begin(),
                 [](const auto& rank) { return rank.second; });
  return indexes;
}

// One participant alone may fill an async round.
std::size_t CoordinatorCore::Impl::NeededToOpen() const { return Async() ? 1 : job_.round.quorum; }

// Nothing if fewer can be drawn than that.
std::optional<OpenRound> CoordinatorCore::Impl::DrawRound(Round round, Version parent) const {
  OpenRound record;
  record.round = round;
  record.parent = parent;
  if (Elastic()) {
    // The next blocks of the epoch, whoever is here or comes to do them.
    record.cohort.resize(ElasticRoundOf(job_, round).blocks);
    std::iota(record.cohort.begin(), record.cohort.end(), Slot{0});
    record.first_drawn = record.cohort;
    return record;
  }
  record.eligible = Drawable();
  if (record.eligible.size() < NeededToOpen()) return std::nullopt;
  if (Async()) return record;  // Nobody is drawn: whoever is free gets tasks.
  std::vector<RosterIndex> drawn = Ranked(record.eligible, round);
  const std::size_t wanted = CohortSize(job_.round);
  if (drawn.size() > wanted) drawn.resize(wanted);
  std::sort(drawn.begin(), drawn.end());
  record.first_drawn = drawn;
  record.cohort = std::move(drawn);
  return record;
}

void CoordinatorCore::Impl::EnterSelect() {
  if (Halting()) return;
  round_.reset();
  if (finish_ || TargetReached() || head_round_ >= options_.rounds) {
    BeginFinish(Reason::finished);
    return;
  }
  if (EvaluationFirst()) {
    EnterPhase(Phase::paused);
    return;
  }
  EnterPhase(Phase::select);
  RetrySelect();
}

// Draws and persists, or waits for more participants; called again whenever one may have come.
void CoordinatorCore::Impl::RetrySelect() {
  if (phase_ != Phase::select || round_ || Halting()) return;
  auto record = DrawRound(head_round_ + 1, head_.version);
  if (!record) {
    if (!select_deadline_ || now_ >= *select_deadline_) {
      select_deadline_ = now_ + options_.deadline_ms;
      Count("selects_below_quorum");
      Note({.kind = NoticeKind::attempt_opened,
            .round = head_round_ + 1,
            .reason = Reason::below_quorum,
            .text = std::to_string(Drawable().size()) +
                    (job_.round.select_from == SelectFrom::present ? " connected" : " enrolled") +
                    ", a round needs " + Counted(NeededToOpen(), "participant")});
    }
    return;
  }
  select_deadline_.reset();
  round_.emplace();
  round_->record = std::move(*record);
  AdaptTo(round_->record);
  PersistOpenRound();
}

void CoordinatorCore::Impl::PersistOpenRound() {
  Batch batch;
  if (std::exchange(clear_finish_, false)) batch.mutations.push_back(ClearFinish{});
  batch.mutations.push_back(PutOpenRound{round_->record});
  PersistFor(ForOpenRound{round_->record.round}, std::move(batch));
}

void CoordinatorCore::Impl::Release(const ForOpenRound& purpose) {
  // What an attempt says is said once the last of the round's batches is durable: its own, or an
  // earlier attempt's that a full disk refused and that was written again with what holds now.
  const bool more = std::any_of(batches_.begin(), batches_.end(), [&](const auto& batch) {
    const auto* other = std::get_if<ForOpenRound>(&batch.second.purpose);
    return other != nullptr && other->round == purpose.round;
  });
  if (more || !round_ || purpose.round != round_->record.round) return;
  if (phase_ == Phase::report) {
    round_->asked = round_->record.cohort.size();  // A member was replaced within the attempt.
    if (TakesStale()) MakeWayForOwn();
    OrderAllTasks();
    return;
  }
  if (phase_ != Phase::select) return;
  std::vector<AcceptedUpdate> accepted;
  for (const auto& [id, update] : round_->accepted) accepted.push_back(update);
  EnterConfigure(round_->record, accepted);
}

}  // namespace muster::coordinator
