#include "simulator/store/model_store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/digest.h"
#include "common/limits.h"

namespace muster::simulator {
namespace {

Error DiskFull(const std::string& action) {
  return Error{Reason::disk_full, action + " " + kModelDatabase + ": no space left"};
}

Error Damaged(const std::string& what) {
  return Error{Reason::damage, what + " in " + kModelDatabase};
}

std::string ChunkName(Version version, std::uint32_t index) {
  return "chunk " + std::to_string(index) + " of version " + std::to_string(version);
}

std::string ManifestName(Version version) {
  return "the manifest of version " + std::to_string(version);
}

std::string RecordName(Version version) {
  return "the round record of version " + std::to_string(version);
}

/// What a process knows of the disk: all of it and live, or for a reader what was there when it
/// looked.
struct View {
  const BatchState* state = nullptr;
  const std::map<Version, ModelChunks>* chunks = nullptr;
};

/// The one process that writes. Versions report to it, for it answers which are held.
class ModelStore : public CheckpointStore {
 public:
  /// To write.
  explicit ModelStore(std::shared_ptr<ModelDisk> disk)
      : disk_(std::move(disk)),
        life_(disk_->life),
        writes_(true),
        recovered_(disk_->now.state()),
        view_{&disk_->now, &disk_->chunks} {
    disk_->in_use = true;
  }
  /// To read.
  ModelStore(std::shared_ptr<ModelDisk> disk, BatchState state,
             std::map<Version, ModelChunks> chunks)
      : disk_(std::move(disk)),
        life_(disk_->life),
        seen_state_(std::move(state)),
        seen_chunks_(std::move(chunks)),
        recovered_(seen_state_.state()),
        view_{&seen_state_, &seen_chunks_} {}
  ~ModelStore() override {
    if (writes_ && life_ == disk_->life) disk_->in_use = false;
  }

  const RecoveredState& recovered() const override { return recovered_; }

  Result<RecoveredState> ReadState() override {
    MUSTER_TRY(disk_->CheckAlive(life_));
    if (!disk_->rotten_key.empty()) return Damaged(disk_->rotten_key);
    return view_.state->state();
  }

  Status Write(const Batch& batch) override {
    MUSTER_TRY(CheckWritable("write a batch to"));
    if (disk_->Fails(VolumeOperation::batch_write)) {
      // The log may hold it, and what was not synced before it is in the cache at least.
      if (disk_->random.Below(2) == 0) Log(batch);
      return Fail("a batch could not be written");
    }
    Log(batch);
    if (!batch.sync) return {};
    if (disk_->Fails(VolumeOperation::batch_sync)) return Fail("a sync of the log failed");
    disk_->SettleBatches();
    return {};
  }

  Result<std::unique_ptr<VersionWriter>> BeginVersion(Version version) override;

  Status DropVersion(Version version) override {
    MUSTER_CHECK(version != disk_->now.head(), "head is removed");
    if (!disk_->chunks.contains(version)) return {};
    MUSTER_TRY(CheckWritable("remove a version from"));
    // Not to be thrown back to versions that are removed, see the store.
    if (!written_out_ || *written_out_ <= version) WriteOutLog();
    disk_->chunks.erase(version);
    return {};
  }

  Result<Bytes> ReadVersionChunk(const VersionManifest& manifest, std::uint32_t index) override {
    MUSTER_TRY(disk_->CheckAlive(life_));
    const std::string name = ChunkName(manifest.version, index);
    if (index >= manifest.chunk_digests.size()) {
      return Error{Reason::not_found, name + " does not exist"};
    }
    const auto version = view_.chunks->find(manifest.version);
    if (version == view_.chunks->end() || index >= version->second->size()) {
      return Error{Reason::not_found, name + " is not held"};
    }
    const Bytes& bytes = (*version->second)[index];
    if (Sha256Of(bytes) != manifest.chunk_digests[index]) return Damaged(name);
    return bytes;
  }

  Result<VersionManifest> ReadManifest(Version version) override {
    MUSTER_TRY(disk_->CheckAlive(life_));
    const std::string name = ManifestName(version);
    const auto found = view_.state->manifests().find(version);
    if (found == view_.state->manifests().end()) return Error{Reason::not_found, "no " + name};
    if (disk_->rotten_manifests.contains(version)) return Damaged(name);
    return *found->second;
  }

  Result<RoundRecord> ReadRoundRecord(Version version) override {
    MUSTER_TRY(disk_->CheckAlive(life_));
    const auto found = view_.state->records().find(version);
    if (found == view_.state->records().end()) {
      return Error{Reason::not_found, "no round record of version " + std::to_string(version)};
    }
    MUSTER_TRY(CheckRecord(version));
    return *found->second;
  }

  Status ForEachRoundRecord(const std::function<Status(const RoundRecord&)>& visit) override {
    MUSTER_TRY(disk_->CheckAlive(life_));
    for (const auto& [version, record] : view_.state->records()) {
      MUSTER_TRY(CheckRecord(version));
      MUSTER_TRY(visit(*record));
    }
    return {};
  }

  std::vector<Version> HeldVersions() override {
    std::vector<Version> held;
    for (const auto& [version, chunks] : *view_.chunks) {
      if (view_.state->manifests().contains(version)) held.push_back(version);
    }
    return held;
  }

  Status RunUpkeep() {
    MUSTER_TRY(CheckWritable("write out the log of"));
    disk_->SettleBatches();
    return {};
  }

  Status CheckWritable(const std::string& action) {
    MUSTER_CHECK(writes_, "a change of a store that was opened to be read");
    MUSTER_TRY(disk_->CheckAlive(life_));
    if (failed_) return Fail("an earlier write or sync failed");
    if (disk_->full) {
      was_full_ = true;
      return DiskFull(action);
    }
    // The store opens its database again then, which writes the log out.
    if (std::exchange(was_full_, false)) disk_->SettleBatches();
    return {};
  }

  /// Whatever the outcome was, the process must end.
  Error Fail(const std::string& why) {
    failed_ = true;
    return Error{Reason::io_failed,
                 why + ", so what " + kModelDatabase + " holds is unknown; restart"};
  }

  ModelDisk& disk() { return *disk_; }

 private:
  void Log(const Batch& batch) {
    disk_->now.Apply(batch);
    disk_->unsynced.push_back(batch);
  }
  void WriteOutLog() {
    disk_->SettleBatches();
    written_out_ = disk_->now.head();
  }
  Status CheckRecord(Version version) const {
    if (!disk_->rotten_records.contains(version)) return {};
    return Damaged(RecordName(version));
  }

  const std::shared_ptr<ModelDisk> disk_;
  const std::uint64_t life_;
  const bool writes_ = false;
  const BatchState seen_state_;
  const std::map<Version, ModelChunks> seen_chunks_;
  const RecoveredState recovered_;
  const View view_;
  bool failed_ = false;
  bool was_full_ = false;
  std::optional<Version> written_out_;  ///< Head when the log was last written out for a removal.
};

class ModelVersionWriter : public VersionWriter {
 public:
  ModelVersionWriter(ModelStore& store, Version version) : store_(store), version_(version) {}

  Status Append(ByteSpan chunk) override {
    MUSTER_CHECK(!finished_, "a chunk after Finish");
    MUSTER_CHECK(chunks_.empty() || chunks_.back().size() == limits::kVersionChunkBytes,
                 "a chunk behind a short one");
    MUSTER_CHECK(!chunk.empty() && chunk.size() <= limits::kVersionChunkBytes,
                 "a chunk of the wrong size");
    chunks_.emplace_back(chunk.begin(), chunk.end());
    return {};
  }

  Status Finish() override {
    MUSTER_CHECK(!finished_, "finished twice");
    finished_ = true;
    MUSTER_TRY(store_.CheckWritable("complete a version in"));
    ModelDisk& disk = store_.disk();
    disk.chunks.erase(version_);  // An earlier try of this version makes room first.
    if (disk.Fails(VolumeOperation::version_sync)) {
      return store_.Fail("the sync of a version failed");
    }
    if (!chunks_.empty()) {
      disk.chunks[version_] = std::make_shared<const std::vector<Bytes>>(std::move(chunks_));
    }
    return {};
  }

 private:
  ModelStore& store_;
  const Version version_;
  std::vector<Bytes> chunks_;
  bool finished_ = false;
};

Result<std::unique_ptr<VersionWriter>> ModelStore::BeginVersion(Version version) {
  MUSTER_TRY(CheckWritable("begin a version in"));
  const std::optional<Version> head = disk_->now.head();
  const bool known = disk_->now.manifests().contains(version);
  MUSTER_CHECK(!head || version > *head || (known && !disk_->chunks.contains(version)),
               "a version that is stored already");
  return std::unique_ptr<VersionWriter>(std::make_unique<ModelVersionWriter>(*this, version));
}

// --- Opening -------------------------------------------------------------------------------------

Status CheckHeadIsHeld(const ModelDisk& disk) {
  const RecoveredState& state = disk.now.state();
  if (state.head->chunk_digests.empty() || disk.chunks.contains(state.head->version)) return {};
  Version needed = state.head->version;
  if (!state.unstored.empty()) {
    needed = state.last_record->parent;
    if (disk.chunks.contains(needed)) return {};
  }
  return Damaged("the chunks of version " + std::to_string(needed) + " are not held");
}

/// What every start reads.
Status LookAt(const ModelDisk& disk) {
  if (!disk.rotten_key.empty()) return Damaged(disk.rotten_key);
  const std::optional<Version> head = disk.now.head();
  if (!head) return {};
  const RecoveredState& state = disk.now.state();
  if (!state.head) return Damaged("head has no manifest");
  if (disk.rotten_manifests.contains(*head)) return Damaged(ManifestName(*head));
  if (disk.rotten_records.contains(*head)) return Damaged(RecordName(*head));
  if (state.open_round && state.last_record &&
      state.open_round->round <= state.last_record->round) {
    return Damaged("round " + std::to_string(state.open_round->round) + " is open and closed");
  }
  return CheckHeadIsHeld(disk);
}

/// Removes what a crash left: chunks above head, and those that no batch names.
void Sweep(ModelDisk* disk) {
  const std::optional<Version> head = disk->now.head();
  std::erase_if(disk->chunks, [&](const auto& version) {
    return version.first > head || !disk->now.manifests().contains(version.first);
  });
}

std::unique_ptr<CheckpointStore> OpenToRead(std::shared_ptr<ModelDisk> disk) {
  BatchState state = disk->now;
  std::map<Version, ModelChunks> chunks = disk->chunks;
  return std::make_unique<ModelStore>(std::move(disk), std::move(state), std::move(chunks));
}

}  // namespace

Result<std::unique_ptr<CheckpointStore>> OpenDamagedModelStore(std::shared_ptr<ModelDisk> disk) {
  MUSTER_TRY(disk->CheckAlive(disk->life));
  if (!disk->made) return Error{Reason::not_found, "there is no checkpoint"};
  return OpenToRead(std::move(disk));
}

Result<std::unique_ptr<CheckpointStore>> OpenModelStore(std::shared_ptr<ModelDisk> disk,
                                                        OpenMode mode) {
  MUSTER_TRY(disk->CheckAlive(disk->life));
  if (mode == OpenMode::read_only) {
    if (!disk->made) return Error{Reason::not_found, "there is no checkpoint"};
    MUSTER_TRY(LookAt(*disk));
    return OpenToRead(std::move(disk));
  }
  if (disk->in_use) return Error{Reason::state_in_use, "another process writes"};
  MUSTER_TRY(LookAt(*disk));
  if (disk->full) return DiskFull("open");
  // What the log holds is written out of it, whoever wrote it.
  disk->SettleBatches();
  Sweep(disk.get());
  disk->made = true;
  return std::unique_ptr<CheckpointStore>(std::make_unique<ModelStore>(std::move(disk)));
}

Status RunModelUpkeep(CheckpointStore& store) {
  return dynamic_cast<ModelStore&>(store).RunUpkeep();
}

}  // namespace muster::simulator
