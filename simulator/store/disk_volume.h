// The real store and spool on a disk in memory that forgets.
#pragma once

#include <memory>
#include <optional>
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

  /// The disk's capacity is what lies there now; not full: none.
  void SetFull(bool full) override;
  /// REQUIRES: the disk's plan is nobody else's.
  void FailNext(VolumeOperation operation) override;
  std::optional<Flip> Rot(std::uint64_t draw) override;
  Result<std::unique_ptr<CheckpointStore>> OpenDamaged() override;
  /// Null: the lock file's path is on the machine's own file system.
  std::shared_ptr<StateVolume> Copy() const override { return nullptr; }

 private:
  const std::shared_ptr<VirtualDisk> disk_;
  const std::string state_dir_;
  const checkpoint::Upkeep upkeep_;
  const StateKey state_key_;
};

}  // namespace muster::simulator
