// What a federation left on its disk, to be damaged: each test has a copy of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "checkpoint/verify.h"
#include "coordinator/runtime/replay.h"
#include "simulator/disk/virtual_disk.h"
#include "simulator/federation/coordinator_node.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {

/// Five rounds of three participants, finished, all versions held.
class StoredRun {
 public:
  static constexpr Round kRounds = 5;

  enum class End : std::uint8_t {
    finished,
    unstored,  ///< Version 5 is committed, and its chunks are not there.
  };
  explicit StoredRun(End end = End::finished);

  std::unique_ptr<CheckpointStore> Open(OpenMode mode) const;
  Error OpenError() const;
  std::unique_ptr<Spool> OpenSpool() const;
  Result<VerifiedState> Verify() const;
  Result<coordinator::Replayed> Replay() const;

  /// Makes it a job of gradient steps, whose rounds say which examples they take.
  void StoreStepsJob() const;
  /// Opens round 6 with two accepted updates, whose bytes lie in the spool. Returns them.
  std::vector<AcceptedUpdate> OpenRoundWithUpdates() const;
  /// The sorted file of a version's chunks.
  std::string FileOf(Version version) const;
  /// How many sorted files hold chunks.
  std::size_t VersionFileCount() const;
  std::string LiveLog() const;
  std::string Path(const std::string& name) const { return state_dir_.path() + "/" + name; }
  void Flip(const std::string& path, std::uint64_t byte) const { disk_->FlipBit(path, 8 * byte); }
  void Remove(const std::string& path) const;
  std::uint64_t SizeOf(const std::string& path) const { return disk_->Files().at(path); }

  /// A disk of its own with the same files, all durable.
  std::shared_ptr<VirtualDisk> CloneDisk() const;
  void SetDisk(std::shared_ptr<VirtualDisk> disk) { disk_ = std::move(disk); }
  VirtualDisk& disk() const { return *disk_; }
  checkpoint::FileSystemPtr Mounted() const;
  const std::string& state_dir() const { return state_dir_.path(); }
  const JobSpec& job() const { return job_; }

 private:
  const TempDir state_dir_;
  JobSpec job_;
  std::shared_ptr<VirtualDisk> disk_;
};

}  // namespace muster::simulator
