// A volume whose store and spool are models of the real ones: microseconds instead of milliseconds
// for an open, a write, a close. tests/simulator/store_model_test.cpp holds it to the real ones.
#pragma once

#include <memory>
#include <optional>

#include "simulator/store/volume.h"

namespace muster::simulator {

struct ModelDisk;

/// Draws what an unfinished write leaves from a stream of its own. Not thread-safe.
class ModelVolume : public StateVolume {
 public:
  explicit ModelVolume(std::uint64_t seed);
  explicit ModelVolume(std::shared_ptr<ModelDisk> disk) : disk_(std::move(disk)) {}

  Result<std::unique_ptr<CheckpointStore>> OpenStore(OpenMode mode) override;
  Result<std::unique_ptr<Spool>> OpenSpool() override;
  Status RunUpkeep(CheckpointStore& store) override;
  bool powered() const override;
  void CutPower(Unsynced unsynced) override;
  void Restart() override;
  std::uint64_t free_bytes() const override;
  void SetFull(bool full) override;
  void FailNext(VolumeOperation operation) override;
  bool Excuses(Reason failure) const override;
  /// A chunk, a record, a manifest, a key that every start reads, or an accepted update's bytes.
  std::optional<Flip> Rot(std::uint64_t draw) override;
  Result<std::unique_ptr<CheckpointStore>> OpenDamaged() override;
  std::shared_ptr<StateVolume> Copy() const override;

 private:
  const std::shared_ptr<ModelDisk> disk_;
};

}  // namespace muster::simulator
