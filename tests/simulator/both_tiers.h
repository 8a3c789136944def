// The model volume and the real store on a virtual disk, driven alike and compared.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "simulator/store/disk_volume.h"
#include "simulator/store/model_disk.h"
#include "simulator/store/model_volume.h"

namespace muster::simulator {

/// All of it as bytes: equal states, equal texts.
std::string TextOf(const RecoveredState& state);

/// Every comparison fails the test, once; then `differs` says so.
class BothTiers {
 public:
  BothTiers(std::uint64_t seed, const std::string& state_dir);

  /// To write, both; then everything that either holds is compared.
  void Open();
  void Close();
  /// The power goes and comes back; both open again. Under mixed the real one's state must be one
  /// that the model allows, and the model goes on from it.
  void Cut(Unsynced unsynced);

  void Write(const Batch& batch);
  void StoreVersion(Version version, const std::vector<Bytes>& chunks, bool finish);
  void DropVersion(Version version);
  void RunUpkeep();
  void PrepareSpool(std::uint64_t extent_bytes, std::uint32_t extent_count);
  void WriteSpool(std::uint32_t extent, std::uint64_t offset, const Bytes& bytes);
  void SyncSpool();
  void SetFull(bool full);
  /// `act` meets a failure that is told to both. The processes end by it; whatever of it is there
  /// afterwards, must be allowed.
  void Fail(VolumeOperation operation, const std::function<void()>& act);

  bool differs() const { return differs_; }
  /// As a start, or the running store, would see it: equal for both.
  const BatchState& state() const { return disk_->now; }
  const std::map<Version, ModelChunks>& chunks() const { return disk_->chunks; }
  ModelDisk& model_disk() { return *disk_; }

  /// Mixed cuts with batches that were not synced, by how many of them were left.
  std::uint64_t cuts_to_none = 0, cuts_to_some = 0, cuts_to_all = 0;

 private:
  struct Tier {
    std::shared_ptr<StateVolume> volume;
    std::unique_ptr<CheckpointStore> store;
    std::unique_ptr<Spool> spool;
  };

  void OpenTier(Tier* tier);
  void CloseTier(Tier* tier);
  void Differ(const std::string& how);
  /// The same outcome, and what it is.
  bool Same(const Status& real, const Status& model, const std::string& what);
  void Compare(const std::string& when);
  void CompareVersions(const std::string& when);
  void CompareSpool(const std::string& when);
  Bytes SpoolOf(const Tier& tier);
  /// The model takes over the states that the real one was found in, if they are allowed.
  std::size_t FollowBatches(const std::vector<BatchState>& allowed, const std::string& when);
  void FollowSpool(const Bytes& before, const Bytes& after, const std::string& when);

  const std::shared_ptr<ModelDisk> disk_;
  Tier real_, model_;
  std::uint64_t extent_bytes_ = 4096;
  std::uint32_t extent_count_ = 1;
  bool differs_ = false;
};

}  // namespace muster::simulator
