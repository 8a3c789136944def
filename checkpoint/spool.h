// The spool: where the bytes of a round's updates become durable before they are acknowledged.
// One preallocated file of equal extents, recycled round after round. Updates never pass RocksDB.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "checkpoint/state_key.h"
#include "common/bytes.h"
#include "common/error.h"

namespace muster {

/// Thread-safe for calls on different extents; Sync may run beside writes and covers all writes
/// that returned before it began.
class Spool {
 public:
  virtual ~Spool() = default;

  /// Makes room for `extent_count` extents of `extent_bytes` (rounded up to 4096): keeps what fits,
  /// preallocates what is missing. Existing extents keep their bytes if extent_bytes is unchanged.
  /// Errors: disk_full, io_failed.
  virtual Status Prepare(std::uint64_t extent_bytes, std::uint32_t extent_count) = 0;
  /// Errors: disk_full, io_failed. REQUIRES: within the extent; an update's bytes come in order,
  /// the first at offset 0 (an encrypted spool seals them in blocks).
  virtual Status Write(std::uint32_t extent, std::uint64_t offset, ByteSpan bytes) = 0;
  /// fdatasync. Errors: io_failed (the process must end: the kernel may have dropped the pages).
  virtual Status Sync() = 0;
  /// Errors: io_failed, damage (shorter than asked, or not what was sealed there).
  virtual Status Read(std::uint32_t extent, std::uint64_t offset, MutableByteSpan bytes) const = 0;
  /// The first `size` bytes of the extent where they lie; empty unless the spool is in memory and
  /// has that many. Valid until the extent is written to again, or Prepare makes others.
  virtual ByteSpan View(std::uint32_t /*extent*/, std::uint64_t /*size*/) const { return {}; }
};

/// Opens or creates `state_dir`/spool, with the key that the store was opened with. Errors:
/// io_failed, those of OpenCheckpointStore for a key that does not fit.
Result<std::unique_ptr<Spool>> OpenSpool(const std::string& state_dir, const StateKey& key = {});

}  // namespace muster
