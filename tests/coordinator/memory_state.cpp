#include "memory_state.h"

#include <algorithm>
#include <map>

namespace muster::testing {
namespace {

struct Applier {
  RecoveredState& state;

  void operator()(const PutJob& m) { state.job = m.record; }
  void operator()(const PutEpoch& m) { state.epoch = m.record; }
  void operator()(const PutLineage& m) { state.lineages.push_back(m.record); }
  void operator()(const PutRosterEntry& m) {
    if (m.entry.index == state.roster.size()) state.roster.emplace_back();
    state.roster.at(m.entry.index) = m.entry;
  }
  void operator()(const PutOpenRound& m) { state.open_round = m.round; }
  void operator()(const PutAccepted& m) {
    state.accepted.push_back(m.update);
    std::sort(state.accepted.begin(), state.accepted.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
  }
  void operator()(const ClearOpenRound&) { state.open_round.reset(); }
  void operator()(const ClearAccepted& m) {
    const auto covered = [&m](const AcceptedUpdate& update) { return update.id.round <= m.round; };
    std::erase_if(state.unstored, covered);
    std::erase_if(state.accepted, covered);
  }
  void operator()(const PutRoundRecord& m) {
    state.last_record = m.record;
    for (const AcceptedUpdate& update : state.accepted) {
      if (update.id.round <= m.record.round) state.unstored.push_back(update);
    }
    std::erase_if(state.accepted,
                  [&m](const AcceptedUpdate& update) { return update.id.round <= m.record.round; });
  }
  void operator()(const PutVersion& m) { state.head = m.manifest; }
  void operator()(const PutFate& m) {
    std::map<Slot, UpdateFate> fates;
    for (const UpdateFate& fate : state.fates) fates[fate.id.slot] = fate;
    fates[m.fate.id.slot] = m.fate;
    state.fates.clear();
    for (const auto& [slot, fate] : fates) state.fates.push_back(fate);
  }
  void operator()(const PutEvaluation& m) { state.evaluations.push_back(m.record); }
  void operator()(const PutFinish& m) { state.finish = m.record; }
  void operator()(const ClearFinish&) { state.finish.reset(); }
};

}  // namespace

void MemoryState::Apply(const Batch& batch) {
  for (const Mutation& mutation : batch.mutations) std::visit(Applier{state_}, mutation);
}

}  // namespace muster::testing
