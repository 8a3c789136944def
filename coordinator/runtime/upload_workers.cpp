#include "coordinator/runtime/upload_workers.h"

#include <utility>

#include "common/digest.h"

namespace muster::coordinator {

UploadWorkers::UploadWorkers(ParameterLayout layout, std::size_t thread_count,
                             PayloadTable& payloads, SharedSpool& spool, Inbox& inbox)
    : layout_(std::move(layout)), payloads_(payloads), spool_(spool), inbox_(inbox) {
  for (std::size_t i = 0; i < thread_count; ++i) threads_.emplace_back([this] { Run(); });
}

UploadWorkers::~UploadWorkers() { Finish(); }

void UploadWorkers::Finish() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void UploadWorkers::Do(const OpenUpload& effect) {
  Result<UpdateChecker> checker = UpdateChecker::Create(layout_);
  MUSTER_CHECK(checker.has_value(), "updates of a layout that the ring does not take");
  auto upload = std::make_shared<Upload>(std::move(*checker));
  upload->id = effect.upload;
  upload->extent = effect.extent.index;
  upload->bytes = effect.bytes;
  std::lock_guard lock(mutex_);
  const bool placed = by_extent_.try_emplace(upload->extent, upload).second;
  MUSTER_CHECK(placed, "an extent was given to two uploads");
  uploads_.emplace(effect.upload, std::move(upload));
}

void UploadWorkers::Do(const StoreChunk& effect) {
  std::lock_guard lock(mutex_);
  const auto found = uploads_.find(effect.upload);
  MUSTER_CHECK(found != uploads_.end(), "a chunk for an upload that is not open");
  Upload& upload = *found->second;
  if (upload.rejected) {
    payloads_.Drop(effect.payload);
    return;
  }
  upload.waiting.push_back(effect);
  Schedule(upload.extent);
}

void UploadWorkers::Do(const CloseUpload& effect) {
  std::lock_guard lock(mutex_);
  const auto found = uploads_.find(effect.upload);
  if (found == uploads_.end()) return;
  DropWaiting(*found->second);
  by_extent_.erase(found->second->extent);
  uploads_.erase(found);
}

void UploadWorkers::DropWaiting(Upload& upload) {
  for (const StoreChunk& chunk : upload.waiting) payloads_.Drop(chunk.payload);
  upload.waiting.clear();
}

void UploadWorkers::Schedule(std::uint32_t extent) {
  const auto found = by_extent_.find(extent);
  if (found == by_extent_.end() || busy_extents_.contains(extent)) return;
  Upload& upload = *found->second;
  if (upload.queued || upload.waiting.empty()) return;
  upload.queued = true;
  ready_.push_back(found->second);
  ready_changed_.notify_one();
}

void UploadWorkers::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_changed_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
    if (stopping_) return;
    const std::shared_ptr<Upload> upload = std::move(ready_.front());
    ready_.pop_front();
    upload->queued = false;
    if (upload->waiting.empty()) continue;  // Closed since it was queued.
    const StoreChunk chunk = upload->waiting.front();
    upload->waiting.pop_front();
    busy_extents_.insert(upload->extent);
    lock.unlock();
    // The answer is given before the upload's next chunk can be begun: answers come in order.
    const bool stored = Store(*upload, chunk);
    payloads_.Drop(chunk.payload);
    lock.lock();
    busy_extents_.erase(upload->extent);
    if (!stored) {
      upload->rejected = true;
      DropWaiting(*upload);
    }
    Schedule(upload->extent);
  }
}

bool UploadWorkers::Store(Upload& upload, const StoreChunk& chunk) {
  const Payload payload = payloads_.Get(chunk.payload);
  MUSTER_CHECK(payload.bytes.size() == chunk.bytes, "a chunk's size is not what its head says");
  MUSTER_CHECK(chunk.offset == upload.stored, "an upload's chunks are stored in order");
  const auto reject = [&](Reason reason) {
    inbox_.Push(Event(ChunkRejected{upload.id, reason}));
    return false;
  };
  if (Xxh64Of(payload.bytes) != chunk.checksum) return reject(Reason::checksum_mismatch);
  const Status checked = upload.checker.Add(payload.bytes);
  // Bytes in the gaps are the core's to judge, with the whole (UploadChecked::gaps_zero).
  if (!checked && checked.error().reason != Reason::malformed_message) {
    return reject(checked.error().reason);
  }
  const Status written = spool_.Write(upload.extent, chunk.offset, payload.bytes);
  if (!written && written.error().reason == Reason::disk_full) return reject(Reason::disk_full);
  if (!written) {
    inbox_.Push(ThreadFailed{written.error()});
    return false;
  }
  upload.stored += chunk.bytes;
  inbox_.Push(Event(ChunkStored{upload.id, upload.stored}));
  if (upload.stored == upload.bytes) {
    UpdateSummary summary = upload.checker.Summary();
    inbox_.Push(Event(UploadChecked{upload.id, summary.digest, summary.gaps_zero,
                                    std::move(summary.tensor_max_abs)}));
  }
  return true;
}

}  // namespace muster::coordinator
