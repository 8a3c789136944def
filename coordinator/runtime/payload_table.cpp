#include "coordinator/runtime/payload_table.h"

#include <utility>

namespace muster::coordinator {

PayloadHandle PayloadTable::Park(Payload payload) {
  std::lock_guard lock(mutex_);
  const PayloadHandle handle = next_++;
  parked_bytes_ += payload.bytes.size();
  payloads_.emplace(handle, std::move(payload));
  return handle;
}

Payload PayloadTable::Get(PayloadHandle handle) const {
  std::lock_guard lock(mutex_);
  const auto found = payloads_.find(handle);
  MUSTER_CHECK(found != payloads_.end(), "a chunk was to be stored whose bytes are gone");
  return found->second;
}

void PayloadTable::Drop(PayloadHandle handle) {
  Payload dropped;  // Freed outside the lock: the transport's deallocator may take its own.
  std::lock_guard lock(mutex_);
  const auto found = payloads_.find(handle);
  if (found == payloads_.end()) return;
  parked_bytes_ -= found->second.bytes.size();
  dropped = std::move(found->second);
  payloads_.erase(found);
}

std::uint64_t PayloadTable::parked_bytes() const {
  std::lock_guard lock(mutex_);
  return parked_bytes_;
}

}  // namespace muster::coordinator
