#include "checkpoint/internal/sealed_spool.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace muster::checkpoint {
namespace {

constexpr std::uint64_t kPageBytes = 4096;
/// Of the table: number of the data key, nonce, tag.
constexpr std::size_t kEntryBytes = sizeof(DataKeyId) + kGcmNonceBytes + kGcmTagBytes;
static_assert(kPageBytes % kEntryBytes == 0, "no entry is torn by the end of a page");
static_assert(kSpoolBlockBytes % kPageBytes == 0);

std::uint64_t RoundUp(std::uint64_t bytes, std::uint64_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

using Place =
    std::array<std::byte, sizeof(DataKeyId) + sizeof(StateId) + 2 * sizeof(std::uint32_t)>;

Place PlaceOf(const StateId& state_id, DataKeyId data_key, std::uint32_t extent,
              std::uint64_t block) {
  Place place;
  StoreLittle(place, 0, data_key);
  StoreLittle(place, sizeof(DataKeyId), state_id);
  StoreLittle(place, sizeof(DataKeyId) + sizeof(StateId), extent);
  StoreLittle(place, place.size() - sizeof(std::uint32_t), static_cast<std::uint32_t>(block));
  return place;
}

class SealedSpool : public Spool {
 public:
  SealedSpool(std::unique_ptr<Spool> plain, KeyRingPtr keys, std::string name)
      : plain_(std::move(plain)), keys_(std::move(keys)), name_(std::move(name)) {}

  Status Prepare(std::uint64_t extent_bytes, std::uint32_t extent_count) override {
    MUSTER_CHECK(extent_bytes > 0, "a spool of empty extents");
    payload_bytes_ = RoundUp(extent_bytes, kPageBytes);
    const std::uint64_t blocks = RoundUp(payload_bytes_, kSpoolBlockBytes) / kSpoolBlockBytes;
    MUSTER_TRY(
        plain_->Prepare(payload_bytes_ + RoundUp(blocks * kEntryBytes, kPageBytes), extent_count));
    begun_.resize(extent_count);
    return {};
  }

  Status Write(std::uint32_t extent, std::uint64_t offset, ByteSpan bytes) override {
    CheckInside(extent, offset, bytes.size());
    if (bytes.empty()) return {};
    Begun& begun = begun_[extent];
    if (offset == 0) begun = {};
    MUSTER_CHECK(offset == begun.bytes, "an update's bytes are written in order");
    const std::uint64_t first = offset / kSpoolBlockBytes;
    const std::uint64_t end = RoundUp(offset + bytes.size(), kSpoolBlockBytes) / kSpoolBlockBytes;
    auto key = keys_->Take(end - first);
    MUSTER_TRY(key);
    // The bytes of a block that was begun before are sealed again, with those that follow.
    Bytes text = begun.block;
    text.insert(text.end(), bytes.begin(), bytes.end());
    const std::size_t whole = text.size() / kSpoolBlockBytes * kSpoolBlockBytes;
    Bytes rest(text.begin() + static_cast<std::ptrdiff_t>(whole), text.end());
    text.resize(std::min(end * kSpoolBlockBytes, payload_bytes_) - first * kSpoolBlockBytes);
    const Bytes table = SealBlocks(**key, extent, first, text);
    MUSTER_TRY(plain_->Write(extent, first * kSpoolBlockBytes, text));
    MUSTER_TRY(plain_->Write(extent, payload_bytes_ + first * kEntryBytes, table));
    begun = {offset + bytes.size(), std::move(rest)};
    return {};
  }

  Status Sync() override { return plain_->Sync(); }

  Status Read(std::uint32_t extent, std::uint64_t offset, MutableByteSpan bytes) const override {
    CheckInside(extent, offset, bytes.size());
    Bytes block;
    while (!bytes.empty()) {
      const std::uint64_t index = offset / kSpoolBlockBytes;
      const std::uint64_t begin = index * kSpoolBlockBytes;
      std::size_t size = std::min<std::uint64_t>(kSpoolBlockBytes, payload_bytes_ - begin);
      if (offset == begin && bytes.size() >= size) {
        MUSTER_TRY(ReadBlock(extent, index, bytes.first(size)));
      } else {
        block.resize(size);
        MUSTER_TRY(ReadBlock(extent, index, block));
        const ByteSpan wanted = ByteSpan(block).subspan(offset - begin);
        size = std::min(wanted.size(), bytes.size());
        std::copy_n(wanted.begin(), size, bytes.begin());
      }
      offset += size;
      bytes = bytes.subspan(size);
    }
    return {};
  }

 private:
  /// How far an extent was written since its begin.
  struct Begun {
    std::uint64_t bytes = 0;
    Bytes block;  ///< Those of the last block, if it is not full.
  };

  void CheckInside(std::uint32_t extent, std::uint64_t offset, std::uint64_t size) const {
    MUSTER_CHECK(extent < begun_.size(), "an extent that was not prepared");
    MUSTER_CHECK(offset <= payload_bytes_ && size <= payload_bytes_ - offset,
                 "bytes beyond their extent");
  }

  /// Seals `text`, blocks from `first` on, where it lies. Returns the table's entries.
  Bytes SealBlocks(const DataKey& key, std::uint32_t extent, std::uint64_t first,
                   MutableByteSpan text) const {
    Bytes table(RoundUp(text.size(), kSpoolBlockBytes) / kSpoolBlockBytes * kEntryBytes);
    MutableByteSpan entry = table;
    for (std::uint64_t index = first; !text.empty(); ++index) {
      const MutableByteSpan block = text.first(std::min(text.size(), kSpoolBlockBytes));
      const GcmNonce nonce = RandomNonce();
      const Place place = PlaceOf(keys_->state_id(), key.id, extent, index);
      const GcmTag tag = key.cipher.Seal(nonce, place, block, block);
      StoreLittle(entry, 0, key.id);
      StoreLittle(entry, sizeof(DataKeyId), nonce);
      StoreLittle(entry, sizeof(DataKeyId) + kGcmNonceBytes, tag);
      entry = entry.subspan(kEntryBytes);
      text = text.subspan(block.size());
    }
    return table;
  }

  Status ReadBlock(std::uint32_t extent, std::uint64_t index, MutableByteSpan block) const {
    std::array<std::byte, kEntryBytes> entry;
    MUSTER_TRY(plain_->Read(extent, payload_bytes_ + index * kEntryBytes, entry));
    MUSTER_TRY(plain_->Read(extent, index * kSpoolBlockBytes, block));
    const auto id = LoadLittle<DataKeyId>(entry, 0);
    const DataKeyPtr key = keys_->Find(id);
    if (key != nullptr &&
        key->cipher.Open(LoadLittle<GcmNonce>(entry, sizeof(DataKeyId)),
                         PlaceOf(keys_->state_id(), id, extent, index), block,
                         LoadLittle<GcmTag>(entry, sizeof(DataKeyId) + kGcmNonceBytes), block)) {
      return {};
    }
    return Error{Reason::damage, "block " + std::to_string(index) + " of extent " +
                                     std::to_string(extent) + " in " + name_ +
                                     " does not open: other bytes than were sealed there"};
  }

  const std::unique_ptr<Spool> plain_;
  const KeyRingPtr keys_;
  const std::string name_;
  std::uint64_t payload_bytes_ = 0;  ///< Of an extent, less the table behind them.
  std::vector<Begun> begun_;         ///< One an extent.
};

}  // namespace

std::unique_ptr<Spool> SealSpool(std::unique_ptr<Spool> plain, KeyRingPtr keys, std::string name) {
  return std::make_unique<SealedSpool>(std::move(plain), std::move(keys), std::move(name));
}

}  // namespace muster::checkpoint
