#include "simulator/store/batch_state.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/limits.h"

namespace muster::simulator {
namespace {

/// Puts `item` where its key belongs in an ascending list, in the place of one with the same key.
template <typename Item, typename KeyOf>
void Upsert(std::vector<Item>* list, const Item& item, KeyOf key_of) {
  const auto at = std::ranges::lower_bound(*list, key_of(item), {}, key_of);
  if (at != list->end() && key_of(*at) == key_of(item)) {
    *at = item;
  } else {
    list->insert(at, item);
  }
}

const UpdateId& IdOf(const AcceptedUpdate& update) { return update.id; }

}  // namespace

struct BatchState::Applier {
  BatchState& all;
  RecoveredState& state;
  bool head_touched = false, ledger_touched = false;

  void operator()(const PutJob& m) { state.job = m.record; }
  void operator()(const PutEpoch& m) { state.epoch = m.record; }
  void operator()(const PutPastEpoch& m) {
    Upsert(&state.past_epochs, m.epoch, [](const Epoch& epoch) { return epoch.number; });
    std::erase_if(state.past_epochs, [&m](const Epoch& epoch) {
      return epoch.number + limits::kPastEpochsMax == m.epoch.number;
    });
  }
  void operator()(const PutLineage& m) {
    Upsert(&state.lineages, m.record, [](const LineageRecord& r) { return r.id.number; });
  }
  void operator()(const PutRosterEntry& m) {
    Upsert(&state.roster, m.entry, [](const RosterEntry& entry) { return entry.index; });
  }
  void operator()(const PutOpenRound& m) { state.open_round = m.round; }
  void operator()(const PutAccepted& m) {
    std::erase_if(state.unstored, [&m](const AcceptedUpdate& u) { return u.id == m.update.id; });
    Upsert(&state.accepted, m.update, IdOf);
    ledger_touched = true;
  }
  void operator()(const ClearOpenRound&) { state.open_round.reset(); }
  void operator()(const ClearAccepted& m) {
    const auto covered = [&m](const AcceptedUpdate& update) { return update.counts_in <= m.round; };
    std::erase_if(state.unstored, covered);
    std::erase_if(state.accepted, covered);
  }
  void operator()(const PutRoundRecord& m) {
    all.records_[m.record.version] = std::make_shared<const RoundRecord>(m.record);
    all.head_ = m.record.version;
    head_touched = ledger_touched = true;
  }
  void operator()(const PutVersion& m) {
    all.manifests_[m.manifest.version] = std::make_shared<const VersionManifest>(m.manifest);
    if (!all.head_) all.head_ = m.manifest.version;
    head_touched = true;
  }
  void operator()(const PutFate& m) {
    Upsert(&state.fates, m.fate, [](const UpdateFate& fate) { return fate.id.slot; });
  }
  void operator()(const PutEvaluation& m) {
    Upsert(&state.evaluations, m.record, [](const EvaluationRecord& r) { return r.version; });
  }
  void operator()(const PutFinish& m) { state.finish = m.record; }
  void operator()(const ClearFinish&) { state.finish.reset(); }

  void FindHead() {
    state.head.reset();
    state.last_record.reset();
    if (!all.head_) return;
    const auto manifest = all.manifests_.find(*all.head_);
    if (manifest != all.manifests_.end()) state.head = *manifest->second;
    const auto record = all.records_.find(*all.head_);
    if (record != all.records_.end()) state.last_record = *record->second;
  }

  // By their rounds alone: those of head's round may be what head follows from.
  void SplitLedger() {
    const Round closed = state.last_record ? state.last_record->round : 0;
    const auto is_open = [closed](const AcceptedUpdate& update) {
      return update.counts_in > closed;
    };
    for (const AcceptedUpdate& update : state.accepted) {
      if (!is_open(update)) Upsert(&state.unstored, update, IdOf);
    }
    std::erase_if(state.accepted, std::not_fn(is_open));
    std::erase_if(state.unstored,
                  [closed](const AcceptedUpdate& update) { return update.counts_in < closed; });
  }
};

void BatchState::Apply(const Batch& batch) {
  Applier applier{*this, state_};
  for (const Mutation& mutation : batch.mutations) std::visit(applier, mutation);
  if (applier.head_touched) applier.FindHead();
  if (applier.ledger_touched) applier.SplitLedger();
}

}  // namespace muster::simulator
