#include "simulator/store/disk_volume.h"

#include <utility>

#include "simulator/disk/file_system.h"

namespace muster::simulator {

DiskVolume::DiskVolume(std::shared_ptr<VirtualDisk> disk, std::string state_dir,
                       checkpoint::Upkeep upkeep, StateKey state_key)
    : disk_(std::move(disk)),
      state_dir_(std::move(state_dir)),
      upkeep_(upkeep),
      state_key_(std::move(state_key)) {
  disk_->MakeDurableDirectory(state_dir_);
}

Result<std::unique_ptr<CheckpointStore>> DiskVolume::OpenStore(OpenMode mode) {
  return checkpoint::OpenCheckpointStoreOn(Mount(disk_), state_dir_, mode, upkeep_, state_key_);
}

Result<std::unique_ptr<Spool>> DiskVolume::OpenSpool() {
  return checkpoint::OpenSpoolOn(Mount(disk_), state_dir_, state_key_);
}

Status DiskVolume::RunUpkeep(CheckpointStore& store) { return checkpoint::RunUpkeep(store); }

}  // namespace muster::simulator
