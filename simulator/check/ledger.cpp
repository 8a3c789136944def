#include "simulator/check/ledger.h"

#include <algorithm>

namespace muster::simulator {

bool Ledger::IsAccepted(const UpdateId& id, const Xxh128Digest& digest) const {
  const auto found = accepted_.find(id);
  return found != accepted_.end() && found->second.digest == digest;
}

bool Ledger::IsCounted(const UpdateId& id, const Xxh128Digest& digest) const {
  return counted_.contains(id) && IsAccepted(id, digest);
}

const RosterEntry* Ledger::EntryOf(const PublicKey& key) const {
  const auto found = std::ranges::find(roster_, key, &RosterEntry::key);
  return found == roster_.end() ? nullptr : &*found;
}

void Ledger::Add(const RoundRecord& record) {
  if (!records_.emplace(record.version, record).second) return;
  for (const RecordedUpdate& update : record.accepted) counted_.emplace(update.id, record.version);
}

// A fold comes with the accept, before anybody hears of it; a new sum begins without what was in
// the old one.
void Ledger::AcceptInMemory(const coordinator::Effect& effect) {
  if (std::holds_alternative<coordinator::OpenSum>(effect)) return ForgetSums();
  const auto* fold = std::get_if<coordinator::Fold>(&effect);
  if (fold == nullptr) return;
  AcceptedUpdate update;
  update.id = fold->id;
  update.counts_in = open_round_ ? open_round_->round : 0;
  update.digest = fold->digest;
  update.weight = fold->weight;
  update.base_version = open_round_ ? open_round_->parent : 0;
  update.from = fold->id.slot;
  update.extent = fold->extent;
  accepted_.emplace(fold->id, update);
}

void Ledger::ForgetSums() {
  std::erase_if(accepted_, [this](const auto& entry) { return !counted_.contains(entry.first); });
}

// What the store holds and nobody was told of: a process died between the write and its word.
void Ledger::OnStart(const RecoveredState& recovered, CheckpointStore& store) {
  fence_ = {recovered.lineages.back().id.number, recovered.epoch.epoch};
  ++starts_;
  roster_ = recovered.roster;
  open_round_ = recovered.open_round;
  const RecoveredState& opened = store.recovered();
  for (const auto* updates : {&opened.accepted, &opened.unstored}) {
    for (const AcceptedUpdate& update : *updates) accepted_.emplace(update.id, update);
  }
  const Version last = recovered.last_record->version;
  for (Version version = records_.empty() ? 0 : records_.rbegin()->first + 1; version <= last;
       ++version) {
    if (const auto record = store.ReadRoundRecord(version)) Add(*record);
  }
  for (const UpdateFate& fate : recovered.fates) fates_[fate.id] = fate;
  if (in_memory_) ForgetSums();
}

void Ledger::OnEffect(const coordinator::Effect& effect) {
  if (in_memory_) AcceptInMemory(effect);
  const auto* persist = std::get_if<coordinator::Persist>(&effect);
  if (persist == nullptr) return;
  for (const auto* put : All<PutAccepted>(persist->batch)) {
    asked_accepts_[put->update.id].push_back(put->update);
  }
  for (const auto* put : All<PutRoundRecord>(persist->batch)) {
    asked_versions_[put->record.version].push_back(put->record.digest);
  }
}

// What was not synced may go with the machine: it is no fact yet.
void Ledger::OnWritten(const Batch& batch) {
  for (const Mutation& mutation : batch.mutations) {
    if (const auto* round = std::get_if<PutOpenRound>(&mutation)) open_round_ = round->round;
    if (std::holds_alternative<ClearOpenRound>(mutation)) open_round_.reset();
    if (!batch.sync) continue;
    if (const auto* accept = std::get_if<PutAccepted>(&mutation)) {
      accepted_.emplace(accept->update.id, accept->update);
    } else if (const auto* record = std::get_if<PutRoundRecord>(&mutation)) {
      Add(record->record);
    } else if (const auto* fate = std::get_if<PutFate>(&mutation)) {
      fates_[fate->fate.id] = fate->fate;
    } else if (const auto* entry = std::get_if<PutRosterEntry>(&mutation)) {
      const RosterIndex index = entry->entry.index;
      if (index >= roster_.size()) roster_.resize(index + 1);
      roster_[index] = entry->entry;
    }
  }
}

}  // namespace muster::simulator
