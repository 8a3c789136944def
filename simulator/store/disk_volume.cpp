#include "simulator/store/disk_volume.h"

#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/internal/damaged.h"
#include "simulator/disk/file_system.h"

namespace muster::simulator {
namespace {

bool IsMeant(VolumeOperation wanted, const PlannedOperation& operation) {
  const std::string_view path = operation.path;
  const bool write = operation.operation == DiskOperation::write;
  const bool sync = operation.operation == DiskOperation::sync;
  switch (wanted) {
    case VolumeOperation::batch_write:
      return write && path.ends_with(".log");
    case VolumeOperation::batch_sync:
      return sync && path.ends_with(".log");
    case VolumeOperation::version_sync:
      return sync && path.ends_with(".sst");
    case VolumeOperation::spool_write:
      return write && path.ends_with("/spool");
    case VolumeOperation::spool_sync:
      return sync && path.ends_with("/spool");
  }
  return false;
}

/// What holds a state, rather than a note about it.
std::optional<FlippedIn> WhatRots(std::string_view path) {
  if (path.ends_with(".sst")) return FlippedIn::table;
  if (path.ends_with(".log")) return FlippedIn::log;
  if (path.ends_with("/spool")) return FlippedIn::spool;
  return std::nullopt;
}

}  // namespace

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

void DiskVolume::SetFull(bool full) {
  std::uint64_t used = 0;
  for (const auto& [path, size] : disk_->Files()) used += size;
  disk_->SetCapacity(full ? used : UINT64_MAX);
}

void DiskVolume::FailNext(VolumeOperation operation) {
  disk_->SetPlan([operation, failed = false](const PlannedOperation& planned) mutable {
    if (failed || !IsMeant(operation, planned)) return Verdict::done;
    failed = true;
    return Verdict::fails;
  });
}

std::optional<Flip> DiskVolume::Rot(std::uint64_t draw) {
  std::vector<std::pair<std::string, std::uint64_t>> files;
  for (const auto& [path, size] : disk_->Files()) {
    if (size > 0 && WhatRots(path)) files.emplace_back(path, size);
  }
  if (files.empty()) return std::nullopt;
  const auto& [path, size] = files[draw % files.size()];
  const std::uint64_t bit = draw / files.size() % (size * 8);
  disk_->FlipBit(path, bit);
  return Flip{*WhatRots(path), "bit " + std::to_string(bit) + " of " + path, bit / 8, {}};
}

Result<std::unique_ptr<CheckpointStore>> DiskVolume::OpenDamaged() {
  auto opened = checkpoint::OpenDamagedToRead(Mount(disk_), state_dir_, state_key_);
  MUSTER_TRY(opened);
  return std::move(opened->store);
}

}  // namespace muster::simulator
