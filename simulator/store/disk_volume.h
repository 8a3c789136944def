// The real store and spool on a disk in memory that forgets.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/state_key.h"
#include "simulator/store/volume.h"

namespace muster::simulator {

/// The state directory is made, durably. The store's lock file, which holds no bytes, lies under
/// the same path on the machine's own file system.
class DiskVolume : public StateVolume {
 public:
  DiskVolume(std::shared_ptr<VirtualDisk> disk, std::string state_dir, checkpoint::Upkeep upkeep,
             StateKey state_key);

  Result<std::unique_ptr<CheckpointStore>> OpenStore(OpenMode mode) override;
  Result<std::unique_ptr<Spool>> OpenSpool() override;
  Status RunUpkeep(CheckpointStore& store) override;
  bool powered() const override { return disk_->powered(); }
  void CutPower(Unsynced unsynced) override { disk_->CutPower(unsynced); }
  void Restart() override { disk_->Restart(); }
  std::uint64_t free_bytes() const override { return disk_->free_bytes(); }

 private:
  const std::shared_ptr<VirtualDisk> disk_;
  const std::string state_dir_;
  const checkpoint::Upkeep upkeep_;
  const StateKey state_key_;
};

}  // namespace muster::simulator
