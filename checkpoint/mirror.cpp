#include "checkpoint/mirror.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace muster {
namespace {

/// So many versions may be removed while they are copied, until that is called a failure.
constexpr int kSourcesLostMax = 3;

std::string Named(Version version) { return "version " + std::to_string(version); }

Error Ahead(const std::string& what) {
  return Error{
      Reason::mirror_ahead,
      what +
          ": the state directory is an older copy, or lost it. `muster checkpoints "
          "restore` goes on from the mirror; to go on without it, name an empty directory"};
}

Status CheckLineages(const std::vector<LineageRecord>& primary,
                     const std::vector<LineageRecord>& mirror) {
  for (std::size_t i = 0; i < std::min(primary.size(), mirror.size()); ++i) {
    if (primary[i].id == mirror[i].id) continue;
    if (i == 0) return Error{Reason::wrong_job, "the mirror is that of another run of this job"};
    return Error{Reason::unknown_lineage, "the mirror followed another lineage " +
                                              std::to_string(mirror[i].id.number) +
                                              " of this job than the state directory has"};
  }
  if (mirror.size() <= primary.size()) return {};
  return Ahead("the mirror holds lineage " + std::to_string(mirror.back().id.number));
}

Status CheckAncestry(CheckpointStore& primary, const RecoveredState& state,
                     const RecoveredState& mirror) {
  if (!mirror.job && !mirror.head) return {};
  if (!mirror.job || !state.job || mirror.job->digest != state.job->digest) {
    return Error{Reason::wrong_job, "the mirror is that of another job"};
  }
  MUSTER_TRY(CheckLineages(state.lineages, mirror.lineages));
  if (!mirror.last_record) return {};
  const RoundRecord& record = *mirror.last_record;
  const std::string name = Named(record.version) + " of lineage " + std::to_string(record.lineage);
  if (!state.head || record.version > state.head->version) return Ahead("the mirror holds " + name);
  auto same = primary.ReadRoundRecord(record.version);
  if (!same && same.error().reason != Reason::not_found) return same.error();
  if (!same || same->lineage != record.lineage || same->digest != record.digest) {
    return Ahead("the mirror holds another " + name);
  }
  return {};
}

class Syncer {
 public:
  Syncer(CheckpointStore& primary, CheckpointStore& mirror, const RetentionPolicy& policy,
         const std::function<Status()>& between, const DamagedVersions& known)
      : primary_(primary), mirror_(mirror), policy_(policy), between_(between) {
    const std::vector<Version> held = mirror_.HeldVersions();
    for (const auto& [version, text] : known) {
      if (std::ranges::find(held, version) == held.end()) synced_.damaged.emplace(version, text);
    }
  }

  Result<MirrorSync> Run() {
    auto known = mirror_.ReadState();
    MUSTER_TRY(known);
    known_ = std::move(*known);
    if (known_.head) synced_.head = known_.head->version;
    for (const UpdateFate& fate : known_.fates) fates_[fate.id.slot] = fate;
    if (known_.last_record) head_round_ = known_.last_record->round;
    MUSTER_TRY(CopyNewest());
    MUSTER_TRY(CommitRest());
    MUSTER_TRY(DropOld());
    MUSTER_TRY(CopyOlder());
    return synced_;
  }

 private:
  enum class Copied : std::uint8_t { whole, damaged, gone };

  Status CopyNewest() {
    for (int lost = 0; lost < kSourcesLostMax; ++lost) {
      // In this order: what is read of the state is at least as new as the versions that are
      // copied.
      const std::vector<Version> held = primary_.HeldVersions();
      auto state = primary_.ReadState();
      MUSTER_TRY(state);
      state_ = std::move(*state);
      MUSTER_TRY(CheckAncestry(primary_, state_, known_));
      auto copied = CopyNewestOf(held);
      MUSTER_TRY(copied);
      if (*copied != Copied::gone) return {};
    }
    return Error{Reason::not_held,
                 "the state removes its versions sooner than the mirror can take them: raise "
                 "checkpoint.keep_last, or give the mirror a faster volume"};
  }

  /// `damaged` if none that the mirror lacks is whole, or it lacks none.
  Result<Copied> CopyNewestOf(const std::vector<Version>& held) {
    for (auto at = held.rbegin(); at != held.rend() && (!synced_.head || *at > *synced_.head);
         ++at) {
      if (synced_.damaged.contains(*at)) continue;
      auto copied = CopyChunks(*at);
      MUSTER_TRY(copied);
      if (*copied == Copied::whole) MUSTER_TRY(Commit(*at));
      if (*copied != Copied::damaged) return copied;
    }
    return Copied::damaged;
  }

  Status CopyOlder() {
    if (!synced_.head) return {};
    for (const Version version : Missing()) {
      if (HasNewer()) {
        synced_.complete = false;
        return {};
      }
      MUSTER_TRY(CopyChunks(version));
    }
    return {};
  }

  bool HasNewer() const {
    const std::vector<Version> held = primary_.HeldVersions();
    return std::ranges::any_of(held, [this](Version version) {
      return version > *synced_.head && !synced_.damaged.contains(version);
    });
  }

  /// What the mirror's head does not need, newest first; not what the mirror would remove again.
  std::vector<Version> Missing() const {
    const std::vector<Version> there = mirror_.HeldVersions();
    std::set<Version> missing;
    for (const Version version : primary_.HeldVersions()) {
      if (version < *synced_.head && !synced_.damaged.contains(version)) missing.insert(version);
    }
    std::set<Version> both = missing;
    both.insert(there.begin(), there.end());
    for (const Version version : there) missing.erase(version);
    for (const Version version : VersionsToDrop(both, policy_, {})) missing.erase(version);
    return {missing.rbegin(), missing.rend()};
  }

  Result<Copied> CopyChunks(Version version) {
    auto manifest = primary_.ReadManifest(version);
    MUSTER_TRY(manifest);
    auto writer = mirror_.BeginVersion(version);
    MUSTER_TRY(writer);
    const auto count = static_cast<std::uint32_t>(manifest->chunk_digests.size());
    for (std::uint32_t index = 0; index < count; ++index) {
      MUSTER_TRY(between_());
      auto chunk = primary_.ReadVersionChunk(*manifest, index);
      if (!chunk) return NotCopied(version, chunk.error());
      MUSTER_TRY((*writer)->Append(*chunk));
    }
    MUSTER_TRY((*writer)->Finish());
    const Status read = ReadBack(*manifest, count);
    // Its manifest is there: unread it would count as held.
    if (!read && synced_.head && version < *synced_.head) MUSTER_TRY(mirror_.DropVersion(version));
    MUSTER_TRY(read);
    ++synced_.versions;
    synced_.chunk_bytes += manifest->total_bytes;
    return Copied::whole;
  }

  Status ReadBack(const VersionManifest& manifest, std::uint32_t count) {
    for (std::uint32_t index = 0; index < count; ++index) {
      MUSTER_TRY(between_());
      MUSTER_TRY(mirror_.ReadVersionChunk(manifest, index));
    }
    return {};
  }

  Result<Copied> NotCopied(Version version, const Error& error) {
    if (error.reason != Reason::not_found && error.reason != Reason::damage) return error;
    const std::vector<Version> held = primary_.HeldVersions();
    if (std::ranges::find(held, version) == held.end()) return Copied::gone;
    synced_.damaged.emplace(version, error.message);
    return Copied::damaged;
  }

  /// All records up to `version` in one batch: the mirror's head is a version that it holds.
  Status Commit(Version version) {
    Batch batch;
    if (!known_.job) batch.mutations.push_back(PutJob{*state_.job});
    for (Version next = synced_.head ? *synced_.head + 1 : 0; next <= version; ++next) {
      MUSTER_TRY(AddVersion(next, &batch));
    }
    MUSTER_TRY(mirror_.Write(batch));
    known_.job = state_.job;
    synced_.head = version;
    return {};
  }

  Status AddVersion(Version version, Batch* batch) {
    auto record = primary_.ReadRoundRecord(version);
    // A lineage may begin above numbers that were lost.
    if (!record && record.error().reason == Reason::not_found && version > 0) return {};
    auto manifest = primary_.ReadManifest(version);
    MUSTER_TRY(manifest);
    batch->mutations.push_back(PutVersion{std::move(*manifest)});
    if (!record && record.error().reason == Reason::not_found) return {};
    MUSTER_TRY(record);
    for (const LineageRecord& lineage : state_.lineages) {
      const bool known =
          !known_.lineages.empty() && known_.lineages.back().id.number >= lineage.id.number;
      if (known || lineage.id.number > record->lineage) continue;
      known_.lineages.push_back(lineage);
      batch->mutations.push_back(PutLineage{lineage});
    }
    // The state's own may tell of rounds that come later.
    for (const RecordedUpdate& update : record->accepted) {
      const UpdateFate fate{update.id, update.digest, true, version, Reason::finished};
      fates_[update.id.slot] = fate;
      batch->mutations.push_back(PutFate{fate});
    }
    head_round_ = record->round;
    batch->mutations.push_back(PutRoundRecord{std::move(*record)});
    return {};
  }

  Status CommitRest() {
    if (!synced_.head) return {};
    Batch batch;
    AddFates(&batch);
    AddRoster(&batch);
    std::set<Version> evaluated;
    for (const EvaluationRecord& record : known_.evaluations) evaluated.insert(record.version);
    for (const EvaluationRecord& record : state_.evaluations) {
      if (record.version > *synced_.head || evaluated.contains(record.version)) continue;
      batch.mutations.push_back(PutEvaluation{record});
    }
    if (known_.epoch.epoch != state_.epoch.epoch) {
      batch.mutations.push_back(PutEpoch{state_.epoch});
    }
    const bool finished = state_.finish && state_.finish->version <= *synced_.head;
    if (finished && (!known_.finish || known_.finish->version != state_.finish->version)) {
      batch.mutations.push_back(PutFinish{*state_.finish});
    }
    if (!finished && known_.finish) batch.mutations.push_back(ClearFinish{});
    return batch.mutations.empty() ? Status() : mirror_.Write(batch);
  }

  void AddFates(Batch* batch) const {
    for (const UpdateFate& fate : state_.fates) {
      const bool later =
          fate.committed ? fate.version > *synced_.head : fate.id.round > head_round_;
      const auto known = fates_.find(fate.id.slot);
      if (later || (known != fates_.end() && known->second.id == fate.id)) continue;
      batch->mutations.push_back(PutFate{fate});
    }
  }

  void AddRoster(Batch* batch) const {
    std::map<RosterIndex, RosterEntry> roster;
    for (const RosterEntry& entry : known_.roster) roster[entry.index] = entry;
    for (const RosterEntry& entry : state_.roster) {
      const auto known = roster.find(entry.index);
      if (known != roster.end() && known->second.key == entry.key &&
          known->second.name == entry.name && known->second.revoked == entry.revoked) {
        continue;
      }
      batch->mutations.push_back(PutRosterEntry{entry});
    }
  }

  Status DropOld() {
    if (!synced_.head) return {};
    const std::vector<Version> held = mirror_.HeldVersions();
    for (const Version version :
         VersionsToDrop({held.begin(), held.end()}, policy_, {*synced_.head})) {
      MUSTER_TRY(mirror_.DropVersion(version));
    }
    return {};
  }

  CheckpointStore& primary_;
  CheckpointStore& mirror_;
  const RetentionPolicy policy_;
  const std::function<Status()>& between_;
  RecoveredState state_;  ///< Of the primary.
  RecoveredState known_;  ///< Of the mirror, when this began.
  std::map<Slot, UpdateFate> fates_;
  Round head_round_ = 0;  ///< Of the mirror's head.
  MirrorSync synced_;
};

}  // namespace

Status CheckMirror(CheckpointStore& primary, CheckpointStore& mirror) {
  auto state = primary.ReadState();
  MUSTER_TRY(state);
  auto known = mirror.ReadState();
  MUSTER_TRY(known);
  return CheckAncestry(primary, *state, *known);
}

Result<MirrorSync> SyncMirror(CheckpointStore& primary, CheckpointStore& mirror,
                              const RetentionPolicy& policy, const std::function<Status()>& between,
                              const DamagedVersions& known) {
  return Syncer(primary, mirror, policy, between, known).Run();
}

}  // namespace muster
