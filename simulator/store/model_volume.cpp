#include "simulator/store/model_volume.h"

#include <functional>
#include <utility>
#include <vector>

#include "simulator/store/model_disk.h"
#include "simulator/store/model_spool.h"
#include "simulator/store/model_store.h"

namespace muster::simulator {
namespace {

/// One thing that may rot.
struct Stored {
  std::string name;
  /// Returns which byte of the spool it was; 0 of anything else.
  std::function<std::uint64_t(std::uint64_t draw)> rot;
  FlippedIn in = FlippedIn::object;
  std::string update = {};  ///< In the spool.
};

void ListVersions(ModelDisk* disk, std::vector<Stored>* list) {
  for (auto& [version, chunks] : disk->chunks) {
    for (std::size_t i = 0; i < chunks->size(); ++i) {
      list->push_back({"chunk " + std::to_string(i) + " of version " + std::to_string(version),
                       [&chunks, i](std::uint64_t draw) {
                         std::vector<Bytes> changed = *chunks;
                         const std::uint64_t bit = draw % (changed[i].size() * 8);
                         changed[i][bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
                         chunks = std::make_shared<const std::vector<Bytes>>(std::move(changed));
                         return std::uint64_t{0};
                       }});
    }
  }
}

void ListRecords(ModelDisk* disk, std::vector<Stored>* list) {
  for (const auto& [version, record] : disk->now.records()) {
    list->push_back(
        {"the round record of version " + std::to_string(version), [disk, version](std::uint64_t) {
           disk->rotten_records.insert(version);
           return std::uint64_t{0};
         }});
  }
  for (const auto& [version, manifest] : disk->now.manifests()) {
    list->push_back(
        {"the manifest of version " + std::to_string(version), [disk, version](std::uint64_t) {
           disk->rotten_manifests.insert(version);
           return std::uint64_t{0};
         }});
  }
}

void ListKeys(ModelDisk* disk, std::vector<Stored>* list) {
  const RecoveredState& state = disk->now.state();
  const auto add = [&](const std::string& name) {
    list->push_back({name, [disk, name](std::uint64_t) {
                       disk->rotten_key = name;
                       return std::uint64_t{0};
                     }});
  };
  if (state.job) add("the job");
  if (state.open_round) add("the open round");
  for (const RosterEntry& entry : state.roster) add("the roster's entry of " + entry.name);
  for (const UpdateFate& fate : state.fates) add("the fate of " + fate.id.Text());
}

void ListUpdates(ModelDisk* disk, std::vector<Stored>* list) {
  const RecoveredState& state = disk->now.state();
  for (const auto* updates : {&state.accepted, &state.unstored}) {
    for (const AcceptedUpdate& update : *updates) {
      const std::uint64_t begin = disk->extent_bytes * update.extent.index;
      if (begin >= disk->spool.size() || !state.head || state.head->model_bytes == 0) continue;
      list->push_back({"the bytes of " + update.id.Text() + " in the spool",
                       [disk, begin, bytes = state.head->model_bytes](std::uint64_t draw) {
                         const std::uint64_t bit = begin * 8 + draw % (bytes * 8);
                         disk->spool.FlipBit(bit);
                         return bit / 8;
                       },
                       FlippedIn::spool, update.id.Text()});
    }
  }
}

}  // namespace

ModelVolume::ModelVolume(std::uint64_t seed) : disk_(std::make_shared<ModelDisk>(seed)) {}

Result<std::unique_ptr<CheckpointStore>> ModelVolume::OpenStore(OpenMode mode) {
  auto store = OpenModelStore(disk_, mode);
  if (store) disk_->failed = false;
  return store;
}

bool ModelVolume::Excuses(Reason failure) const {
  return failure == Reason::disk_full ? disk_->full : disk_->failed;
}

Result<std::unique_ptr<Spool>> ModelVolume::OpenSpool() { return OpenModelSpool(disk_); }

Status ModelVolume::RunUpkeep(CheckpointStore& store) { return RunModelUpkeep(store); }

bool ModelVolume::powered() const { return disk_->powered; }

void ModelVolume::CutPower(Unsynced unsynced) {
  if (disk_->powered) disk_->Cut(unsynced);
}

void ModelVolume::Restart() {
  if (disk_->powered) disk_->Cut(Unsynced::kept);
  disk_->powered = true;
}

std::uint64_t ModelVolume::free_bytes() const { return disk_->full ? 0 : UINT64_MAX / 2; }

void ModelVolume::SetFull(bool full) { disk_->full = full; }

void ModelVolume::FailNext(VolumeOperation operation) { disk_->fails_next = operation; }

std::optional<Flip> ModelVolume::Rot(std::uint64_t draw) {
  std::vector<Stored> list;
  ListVersions(disk_.get(), &list);
  ListRecords(disk_.get(), &list);
  ListKeys(disk_.get(), &list);
  ListUpdates(disk_.get(), &list);
  if (list.empty()) return std::nullopt;
  const Stored& chosen = list[draw % list.size()];
  const std::uint64_t byte = chosen.rot(draw / list.size());
  return Flip{chosen.in, chosen.name, byte, chosen.update};
}

Result<std::unique_ptr<CheckpointStore>> ModelVolume::OpenDamaged() {
  return OpenDamagedModelStore(disk_);
}

std::shared_ptr<StateVolume> ModelVolume::Copy() const {
  auto copy = std::make_shared<ModelDisk>(KeyedNumber(disk_->seed, "copy", {++disk_->copies}));
  copy->made = disk_->made;
  copy->now = copy->durable = disk_->durable;
  copy->chunks = disk_->chunks;
  copy->spool = disk_->spool.Durable();
  copy->extent_bytes = disk_->extent_bytes;
  copy->rotten_records = disk_->rotten_records;
  copy->rotten_manifests = disk_->rotten_manifests;
  copy->rotten_key = disk_->rotten_key;
  return std::make_shared<ModelVolume>(std::move(copy));
}

}  // namespace muster::simulator
