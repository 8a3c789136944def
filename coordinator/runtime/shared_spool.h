// The spool as the runtime's threads share it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <shared_mutex>

#include "checkpoint/spool.h"

namespace muster::coordinator {

/// Lets Prepare run beside the other calls, which a Spool by itself does not: they wait for it. A
/// Write or Read before the first Prepare waits for one, as after a restart the updates of the open
/// round are folded while room is being made. Thread-safe.
class SharedSpool {
 public:
  /// `spool` outlives this.
  explicit SharedSpool(Spool& spool) : spool_(spool) {}

  Status Prepare(std::uint64_t extent_bytes, std::uint32_t extent_count);
  /// As in Spool; cancelled once closed without ever having been prepared.
  Status Write(std::uint32_t extent, std::uint64_t offset, ByteSpan bytes);
  Status Sync();
  Status Read(std::uint32_t extent, std::uint64_t offset, MutableByteSpan bytes) const;
  ByteSpan View(std::uint32_t extent, std::uint64_t size) const;
  /// Ends all waiting for a Prepare.
  void Close();

 private:
  Status WaitUntilPrepared() const;

  Spool& spool_;
  mutable std::shared_mutex room_;  ///< Held alone by Prepare, shared by all else.
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool prepared_ = false;
  bool closed_ = false;
};

}  // namespace muster::coordinator
