// A real run's state on a disk that forgets, and mirrors of it.
#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/internal/damaged.h"
#include "checkpoint/internal/restore.h"
#include "checkpoint/mirror.h"
#include "checkpoint/verify.h"
#include "simulator/disk/file_system.h"
#include "simulator/federation/federation.h"
#include "tests/simulator/small_setup.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {

inline constexpr Round kRounds = 4;
inline constexpr Micros kPatience = 3'600'000 * kMillisecond;
inline constexpr RetentionPolicy kKeepAll = {0, 0};
inline const std::function<Status()> kGoOn = [] { return Status(); };

class MirrorFixture : public ::testing::Test {
 protected:
  MirrorFixture() {
    const CoordinatorSetup setup = SmallSetup(directory_ / "state", kRounds);
    job_ = setup.job;
    federation_ = std::make_unique<Federation>(1, Faults{}, setup);
    const RunResult result = federation_->Run(kPatience);
    EXPECT_TRUE(result.finished) << result.waiting;
    disk_ = federation_->shared_disk();
    disk_->MakeDurableDirectory(directory_.path());
  }

  std::string PrimaryDir() const { return directory_ / "state"; }
  std::string MirrorDir() const { return directory_ / "mirror"; }
  /// A directory of this name on both disks: stores lock on the machine's own.
  std::string MakeDir(const std::string& name) {
    const std::string path = directory_ / name;
    disk_->MakeDurableDirectory(path);
    std::filesystem::create_directories(path);
    return path;
  }
  Result<std::unique_ptr<CheckpointStore>> TryOpen(const std::string& path, OpenMode mode) {
    return checkpoint::OpenCheckpointStoreOn(Mount(disk_), path, mode);
  }
  std::unique_ptr<CheckpointStore> Open(const std::string& path, OpenMode mode) {
    auto store = TryOpen(path, mode);
    EXPECT_TRUE(store.has_value()) << store.error().Text();
    return store ? std::move(*store) : nullptr;
  }
  std::unique_ptr<CheckpointStore> OpenPrimary() {
    return Open(PrimaryDir(), OpenMode::create_or_open);
  }
  std::unique_ptr<CheckpointStore> OpenMirror(const std::string& name = "mirror") {
    return Open(MakeDir(name), OpenMode::create_or_open);
  }
  MirrorSync Sync(const RetentionPolicy& policy = kKeepAll) {
    const auto synced = SyncMirror(*OpenPrimary(), *OpenMirror(), policy, kGoOn);
    EXPECT_TRUE(synced.has_value()) << synced.error().Text();
    return synced.value_or(MirrorSync{});
  }
  void ExpectWhole(const std::string& path, Version head) {
    const auto store = Open(path, OpenMode::read_only);
    ASSERT_NE(store, nullptr);
    ASSERT_TRUE(store->recovered().head.has_value());
    EXPECT_EQ(store->recovered().head->version, head);
    const auto verified = VerifyState(*store, nullptr, [](Version) {});
    EXPECT_TRUE(verified.has_value()) << verified.error().Text();
    EXPECT_EQ(store->HeldVersions().back(), head);
  }
  static std::function<Status()> EnoughAfter(int calls) {
    return [calls]() mutable -> Status {
      if (calls-- > 0) return {};
      return Error{Reason::cancelled, "enough"};
    };
  }
  /// An older moment of the state, in "older": no version is above `head`.
  std::unique_ptr<CheckpointStore> Older(Version head) {
    const auto primary = OpenPrimary();
    auto older = OpenMirror("older");
    const RecoveredState& state = primary->recovered();
    Batch batch;
    batch.mutations = {PutJob{*state.job}, PutLineage{state.lineages.front()}};
    for (Version version = 0; version <= head; ++version) {
      const auto manifest = primary->ReadManifest(version);
      auto writer = older->BeginVersion(version);
      for (std::uint32_t i = 0; i < manifest->chunk_digests.size(); ++i) {
        EXPECT_TRUE((*writer)->Append(*primary->ReadVersionChunk(*manifest, i)).has_value());
      }
      EXPECT_TRUE((*writer)->Finish().has_value());
      batch.mutations.push_back(PutVersion{*manifest});
      batch.mutations.push_back(PutRoundRecord{*primary->ReadRoundRecord(version)});
    }
    EXPECT_TRUE(older->Write(batch).has_value());
    return Open(directory_ / "older", OpenMode::read_only);
  }
  /// Flips a bit in the middle of a file of chunks.
  void DamageFile(const std::string& path, std::uint64_t bytes) {
    disk_->FlipBit(path, 8 * (bytes - 6'000));
  }
  /// Those of chunks have more bytes than any other.
  std::vector<std::pair<std::string, std::uint64_t>> ChunkFiles(const std::string& state_dir) {
    std::vector<std::pair<std::string, std::uint64_t>> found;
    for (const auto& [path, bytes] : disk_->Files()) {
      if (path.starts_with(state_dir + "/db/") && path.ends_with(".sst") && bytes > 35'000) {
        found.emplace_back(path, bytes);
      }
    }
    return found;
  }
  /// As it is when damage comes up while it is used: no store opens whose head is damaged.
  std::unique_ptr<CheckpointStore> OpenDamaged(const std::string& state_dir) {
    auto damaged = checkpoint::OpenDamagedToRead(Mount(disk_), state_dir, {});
    EXPECT_TRUE(damaged.has_value()) << damaged.error().Text();
    return damaged ? std::move(damaged->store) : nullptr;
  }
  /// The versions that are held and are not whole.
  std::vector<Version> DamagedIn(const std::string& state_dir) {
    const auto store = OpenDamaged(state_dir);
    std::vector<Version> damaged;
    for (const Version version : store->HeldVersions()) {
      if (!VerifyVersion(*store, version)) damaged.push_back(version);
    }
    return damaged;
  }
  void DamageVersion(const std::string& state_dir, Version version) {
    for (const auto& [path, bytes] : ChunkFiles(state_dir)) {
      DamageFile(path, bytes);
      if (DamagedIn(state_dir) == std::vector<Version>{version}) return;
      DamageFile(path, bytes);
    }
    ADD_FAILURE() << "no file of version " << version;
  }
  Result<Restored> Restore(const std::string& mirror_dir, const std::string& state_dir) {
    return checkpoint::RestoreStateOn(Mount(disk_), {mirror_dir, state_dir, {}, 4711},
                                      [](Version) {});
  }

  const TempDir directory_;
  JobSpec job_;
  std::unique_ptr<Federation> federation_;
  std::shared_ptr<VirtualDisk> disk_;
};

/// Calls `act` with the power cut at each of its operations in turn (writes and syncs are torn,
/// what else there is was done and nobody heard of it), between `prepare` and `judge`, until one
/// call of it meets no cut. Returns at which it would have been cut then. Of kShards calls each
/// takes every so manieth operation, from `shard` on.
inline constexpr int kShards = 6;
inline int CutAtOperations(VirtualDisk& disk, int shard, const std::function<void(int)>& prepare,
                           const std::function<void(int)>& act,
                           const std::function<void(int)>& judge) {
  for (int point = shard;; point += kShards) {
    prepare(point);
    int operations = 0;
    bool cut = false;
    disk.SetUnsynced(point / kShards % 2 == 0 ? Unsynced::mixed : Unsynced::lost);
    disk.SetPlan([&](const PlannedOperation& planned) {
      if (++operations != point) return Verdict::done;
      cut = true;
      const bool torn = planned.operation == DiskOperation::write ||
                        planned.operation == DiskOperation::sync ||
                        planned.operation == DiskOperation::sync_directory;
      return torn ? Verdict::cut_torn : Verdict::cut_after;
    });
    act(point);
    disk.SetPlan({});
    if (!disk.powered()) disk.Restart();
    judge(point);
    if (!cut || ::testing::Test::HasFailure()) return point;
  }
}

}  // namespace muster::simulator
