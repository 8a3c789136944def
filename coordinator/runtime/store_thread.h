// The thread that makes things durable: batches, room in the spool, syncs of the spool.
#pragma once

#include <thread>
#include <variant>

#include "checkpoint/store.h"
#include "coordinator/core/effects.h"
#include "coordinator/runtime/inbox.h"
#include "coordinator/runtime/shared_spool.h"
#include "coordinator/runtime/work_queue.h"

namespace muster::coordinator {

/// Performs its effects one after another in the order given and answers each in the inbox. A full
/// disk is an answer, any other failure ends the process (ThreadFailed). Bound of its queue: what
/// the core has under way, a few batches and one sync.
class StoreThread {
 public:
  /// All must outlive the thread.
  StoreThread(CheckpointStore& store, SharedSpool& spool, Inbox& inbox);
  /// As Finish.
  ~StoreThread();

  void Do(Persist effect) { queue_.Push(std::move(effect)); }
  void Do(PrepareSpool effect) { queue_.Push(effect); }
  void Do(SyncSpool effect) { queue_.Push(effect); }

  /// Performs what is queued, then ends and joins the thread.
  void Finish();

 private:
  using Work = std::variant<Persist, PrepareSpool, SyncSpool>;

  void Run();
  void Perform(const Persist& effect);
  void Perform(const PrepareSpool& effect);
  void Perform(const SyncSpool& effect);

  CheckpointStore& store_;
  SharedSpool& spool_;
  Inbox& inbox_;
  WorkQueue<Work> queue_;
  std::thread thread_;
};

}  // namespace muster::coordinator
