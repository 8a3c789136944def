#include "coordinator/runtime/store_thread.h"

#include <utility>

namespace muster::coordinator {

StoreThread::StoreThread(CheckpointStore& store, SharedSpool& spool, Inbox& inbox)
    : store_(store), spool_(spool), inbox_(inbox), thread_([this] { Run(); }) {}

StoreThread::~StoreThread() { Finish(); }

void StoreThread::Finish() {
  queue_.Close();
  if (thread_.joinable()) thread_.join();
}

void StoreThread::Run() {
  while (const std::optional<Work> work = queue_.Pop()) {
    std::visit([this](const auto& effect) { Perform(effect); }, *work);
  }
}

void StoreThread::Perform(const Persist& effect) {
  const Status written = store_.Write(effect.batch);
  if (written) {
    inbox_.Push(Event(Persisted{effect.token}));
  } else if (written.error().reason == Reason::disk_full) {
    inbox_.Push(Event(PersistRefused{effect.token}));
  } else {
    // What came after it must not be written over the gap.
    queue_.Abandon();
    inbox_.Push(ThreadFailed{written.error()});
  }
}

void StoreThread::Perform(const PrepareSpool& effect) {
  const Status prepared = spool_.Prepare(effect.extent_bytes, effect.extent_count);
  if (prepared) {
    inbox_.Push(Event(SpoolPrepared{effect.token}));
  } else if (prepared.error().reason == Reason::disk_full) {
    inbox_.Push(Event(SpoolRefused{effect.token}));
  } else {
    queue_.Abandon();
    inbox_.Push(ThreadFailed{prepared.error()});
  }
}

void StoreThread::Perform(const SyncSpool& effect) {
  const Status synced = spool_.Sync();
  if (synced) {
    inbox_.Push(Event(SpoolSynced{effect.token}));
  } else {
    queue_.Abandon();
    inbox_.Push(ThreadFailed{synced.error()});
  }
}

}  // namespace muster::coordinator
