#include "checkpoint/memory_spool.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace muster {
namespace {

class MemorySpool final : public Spool {
 public:
  Status Prepare(std::uint64_t extent_bytes, std::uint32_t extent_count) override {
    MUSTER_CHECK(extent_bytes > 0, "a spool of empty extents");
    if (extent_bytes != extent_bytes_) extents_.clear();
    extent_bytes_ = extent_bytes;
    extents_.resize(std::max<std::size_t>(extents_.size(), extent_count));
    return {};
  }

  Status Write(std::uint32_t extent, std::uint64_t offset, ByteSpan bytes) override {
    Extent& place = extents_.at(Checked(extent, offset, bytes.size()));
    // Every byte is written before it is read: zeros first would be another pass over them.
    if (!place.bytes) place.bytes = std::make_unique_for_overwrite<std::byte[]>(extent_bytes_);
    std::memcpy(place.bytes.get() + offset, bytes.data(), bytes.size());
    place.written = offset + bytes.size();
    return {};
  }

  Status Sync() override { return {}; }

  Status Read(std::uint32_t extent, std::uint64_t offset, MutableByteSpan bytes) const override {
    const Extent& place = extents_.at(Checked(extent, offset, bytes.size()));
    if (offset + bytes.size() > place.written) {
      return Error{Reason::io_failed, "extent " + std::to_string(extent) +
                                          " of the spool in memory holds " +
                                          std::to_string(place.written) + " bytes, not " +
                                          std::to_string(offset + bytes.size())};
    }
    std::memcpy(bytes.data(), place.bytes.get() + offset, bytes.size());
    return {};
  }

  ByteSpan View(std::uint32_t extent, std::uint64_t size) const override {
    const Extent& place = extents_.at(Checked(extent, 0, size));
    return size <= place.written ? ByteSpan(place.bytes.get(), size) : ByteSpan();
  }

 private:
  struct Extent {
    std::unique_ptr<std::byte[]> bytes;
    std::uint64_t written = 0;  ///< In order, the first at 0: all before it is there.
  };

  std::size_t Checked(std::uint32_t extent, std::uint64_t offset, std::uint64_t size) const {
    MUSTER_CHECK(extent < extents_.size(), "an extent that was not prepared");
    MUSTER_CHECK(offset <= extent_bytes_ && size <= extent_bytes_ - offset,
                 "bytes beyond their extent");
    return extent;
  }

  std::uint64_t extent_bytes_ = 0;
  std::vector<Extent> extents_;
};

}  // namespace

std::unique_ptr<Spool> CreateMemorySpool() { return std::make_unique<MemorySpool>(); }

}  // namespace muster
