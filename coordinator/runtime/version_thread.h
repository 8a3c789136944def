// The thread that writes committed versions, chunk by chunk, beside the next round, and removes
// those that are not kept.
#pragma once

#include <memory>
#include <thread>

#include "checkpoint/store.h"
#include "coordinator/core/effects.h"
#include "coordinator/runtime/inbox.h"
#include "coordinator/runtime/work_queue.h"
#include "model/parameter_set.h"

namespace muster::coordinator {

/// Answers each version with VersionStored, or VersionStoreRefused on a full disk, and each removal
/// with VersionDropped; any other failure ends the process (ThreadFailed). Bound of its queue: one
/// version, and the removals of those that the state held.
class VersionThread {
 public:
  /// All must outlive the thread.
  VersionThread(CheckpointStore& store, Inbox& inbox);
  /// As Finish.
  ~VersionThread();

  /// `contents`: model and server state of that version.
  void Do(StoreVersion effect, std::shared_ptr<const ParameterSet> contents);
  void Do(DropVersion effect) { queue_.Push({effect.version, nullptr}); }

  /// Ends and joins the thread after the version it is at.
  void Finish();

 private:
  struct Work {
    Version version = 0;
    std::shared_ptr<const ParameterSet> contents;  ///< Null: the version is removed.
  };

  void Run();
  void Store(const Work& work);
  void Drop(Version version);

  CheckpointStore& store_;
  Inbox& inbox_;
  WorkQueue<Work> queue_;
  std::thread thread_;
};

/// Makes the version's chunks durable. Errors: disk_full, io_failed.
Status WriteVersion(CheckpointStore& store, Version version, const ParameterSet& contents);

}  // namespace muster::coordinator
