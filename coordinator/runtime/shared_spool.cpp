#include "coordinator/runtime/shared_spool.h"

namespace muster::coordinator {

Status SharedSpool::Prepare(std::uint64_t extent_bytes, std::uint32_t extent_count) {
  {
    std::unique_lock alone(room_);
    MUSTER_TRY(spool_.Prepare(extent_bytes, extent_count));
  }
  {
    std::lock_guard lock(mutex_);
    prepared_ = true;
  }
  changed_.notify_all();
  return {};
}

Status SharedSpool::Write(std::uint32_t extent, std::uint64_t offset, ByteSpan bytes) {
  MUSTER_TRY(WaitUntilPrepared());
  std::shared_lock beside(room_);
  return spool_.Write(extent, offset, bytes);
}

Status SharedSpool::Sync() {
  std::shared_lock beside(room_);
  return spool_.Sync();
}

Status SharedSpool::Read(std::uint32_t extent, std::uint64_t offset, MutableByteSpan bytes) const {
  MUSTER_TRY(WaitUntilPrepared());
  std::shared_lock beside(room_);
  return spool_.Read(extent, offset, bytes);
}

ByteSpan SharedSpool::View(std::uint32_t extent, std::uint64_t size) const {
  if (!WaitUntilPrepared()) return {};
  std::shared_lock beside(room_);
  return spool_.View(extent, size);
}

void SharedSpool::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

Status SharedSpool::WaitUntilPrepared() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return prepared_ || closed_; });
  if (prepared_) return {};
  return Error{Reason::cancelled, "the spool was closed before it had room"};
}

}  // namespace muster::coordinator
