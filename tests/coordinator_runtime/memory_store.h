// A checkpoint store and a spool in memory that outlive the processes a test plays, and can be told
// to fail. For tests under TSan, which does not see into RocksDB.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "simulator/store/batch_state.h"

namespace muster::testing {

/// What a machine keeps while coordinators come and go. Thread-safe.
class MemoryDisk {
 public:
  /// The next writes of batches are answered with this; nothing: they succeed.
  void FailWrites(std::optional<Error> error);
  /// As FailWrites, for the chunks of versions from `first` on.
  void FailVersions(std::optional<Error> error, Version first = 0);
  /// Called before each batch is applied, with the lock not held.
  void OnWrite(std::function<void(const Batch&)> hook);

  std::unique_ptr<CheckpointStore> OpenStore();
  std::unique_ptr<Spool> OpenSpool();

  /// Versions whose chunks are there, ascending.
  std::vector<Version> held() const;
  /// What a start would find now.
  RecoveredState state() const;

 private:
  friend class MemoryStore;
  friend class MemoryVersionWriter;
  friend class MemorySpool;

  mutable std::mutex mutex_;
  std::optional<Error> write_error_;
  std::optional<Error> version_error_;
  Version version_error_first_ = 0;
  std::function<void(const Batch&)> hook_;
  simulator::BatchState state_;
  std::map<Version, std::vector<Bytes>> chunks_;
  std::vector<Bytes> extents_;
};

}  // namespace muster::testing
