// Raw bytes of update chunks between their arrival and the spool.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "coordinator/core/events.h"
#include "transport/transport.h"

namespace muster::coordinator {

/// Payloads under handles that are never reused. Thread-safe.
///
/// Bound: the bulk thread receives nothing while limits::kParkedPayloadBytesMax or more are parked,
/// whatever the peers send; their bytes then wait in their own sockets.
class PayloadTable {
 public:
  PayloadHandle Park(Payload payload);
  /// The parked payload. It stays parked, and is counted, until dropped.
  /// REQUIRES: parked and not dropped.
  Payload Get(PayloadHandle handle) const;
  /// Gives the bytes back. Nothing happens if they were dropped before.
  void Drop(PayloadHandle handle);
  std::uint64_t parked_bytes() const;

 private:
  mutable std::mutex mutex_;
  PayloadHandle next_ = 1;
  std::uint64_t parked_bytes_ = 0;
  std::map<PayloadHandle, Payload> payloads_;
};

}  // namespace muster::coordinator
