#include "coordinator/runtime/version_thread.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/limits.h"

namespace muster::coordinator {

Status WriteVersion(CheckpointStore& store, Version version, const ParameterSet& contents) {
  auto writer = store.BeginVersion(version);
  MUSTER_TRY(writer);
  ByteSpan rest = contents.bytes();
  while (!rest.empty()) {
    const ByteSpan chunk = rest.first(std::min(rest.size(), limits::kVersionChunkBytes));
    MUSTER_TRY((*writer)->Append(chunk));
    rest = rest.subspan(chunk.size());
  }
  return (*writer)->Finish();
}

VersionThread::VersionThread(CheckpointStore& store, Inbox& inbox)
    : store_(store), inbox_(inbox), thread_([this] { Run(); }) {}

VersionThread::~VersionThread() { Finish(); }

void VersionThread::Do(StoreVersion effect, std::shared_ptr<const ParameterSet> contents) {
  queue_.Push({effect.version, std::move(contents)});
}

void VersionThread::Finish() {
  queue_.Abandon();
  if (thread_.joinable()) thread_.join();
}

void VersionThread::Run() {
  while (const std::optional<Work> work = queue_.Pop()) {
    if (work->contents != nullptr) {
      Store(*work);
    } else {
      Drop(work->version);
    }
  }
}

void VersionThread::Store(const Work& work) {
  const Status written = WriteVersion(store_, work.version, *work.contents);
  if (written) {
    inbox_.Push(Event(VersionStored{work.version}));
  } else if (written.error().reason == Reason::disk_full) {
    inbox_.Push(Event(VersionStoreRefused{work.version}));
  } else {
    inbox_.Push(ThreadFailed{written.error()});
  }
}

void VersionThread::Drop(Version version) {
  const Status dropped = store_.DropVersion(version);
  if (dropped || dropped.error().reason == Reason::disk_full) {
    inbox_.Push(Event(VersionDropped{version, dropped.has_value()}));
  } else {
    inbox_.Push(ThreadFailed{dropped.error()});
  }
}

}  // namespace muster::coordinator
