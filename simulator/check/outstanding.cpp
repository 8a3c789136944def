#include "simulator/check/outstanding.h"

namespace muster::simulator {

using namespace muster::coordinator;  // NOLINT: every effect and event of the core.

void Outstanding::OnStart(const RecoveredState& /*recovered*/, CheckpointStore& /*store*/) {
  batches_.clear();
  preparing_.clear();
  syncing_.clear();
  folding_.clear();
  building_ = false;
  storing_.clear();
  dropping_.clear();
  evaluating_.clear();
}

void Outstanding::OnEvent(const Event& event) {
  if (const auto* persisted = std::get_if<Persisted>(&event)) {
    batches_.erase(persisted->token);
  } else if (const auto* refused = std::get_if<PersistRefused>(&event)) {
    batches_.erase(refused->token);
  } else if (const auto* prepared = std::get_if<SpoolPrepared>(&event)) {
    preparing_.erase(prepared->token);
  } else if (const auto* no_room = std::get_if<SpoolRefused>(&event)) {
    preparing_.erase(no_room->token);
    syncing_.erase(no_room->token);
  } else if (const auto* synced = std::get_if<SpoolSynced>(&event)) {
    syncing_.erase(synced->token);
  } else if (const auto* folded = std::get_if<Folded>(&event)) {
    const auto found = folding_.find(folded->id);
    if (found != folding_.end()) folding_.erase(found);
  } else if (std::holds_alternative<VersionBuilt>(event) ||
             std::holds_alternative<BuildFailed>(event)) {
    building_ = false;
  } else if (const auto* stored = std::get_if<VersionStored>(&event)) {
    storing_.erase(stored->version);
  } else if (const auto* unstored = std::get_if<VersionStoreRefused>(&event)) {
    storing_.erase(unstored->version);
  } else if (const auto* dropped = std::get_if<VersionDropped>(&event)) {
    dropping_.erase(dropped->version);
  } else if (const auto* evaluated = std::get_if<Evaluated>(&event)) {
    evaluating_.erase(evaluated->record.version);
  }
}

void Outstanding::OnEffect(const Effect& effect) {
  if (const auto* persist = std::get_if<Persist>(&effect)) {
    batches_.insert_or_assign(persist->token, persist->batch);
  } else if (const auto* prepare = std::get_if<PrepareSpool>(&effect)) {
    preparing_.insert(prepare->token);
  } else if (const auto* sync = std::get_if<SyncSpool>(&effect)) {
    syncing_.insert(sync->token);
  } else if (const auto* fold = std::get_if<Fold>(&effect)) {
    folding_.insert(fold->id);
  } else if (std::holds_alternative<BuildVersion>(effect)) {
    building_ = true;
  } else if (const auto* store = std::get_if<StoreVersion>(&effect)) {
    storing_.insert(store->version);
  } else if (const auto* drop = std::get_if<DropVersion>(&effect)) {
    dropping_.insert(drop->version);
  } else if (const auto* evaluate = std::get_if<Evaluate>(&effect)) {
    evaluating_.insert(evaluate->version);
  }
}

}  // namespace muster::simulator
