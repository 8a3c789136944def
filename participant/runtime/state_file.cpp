#include "participant/runtime/state_file.h"

#include <algorithm>
#include <cstring>

#include "common/digest.h"
#include "common/file.h"

namespace muster::participant {
namespace {

constexpr std::string_view kMagic = "MPST";
constexpr std::uint16_t kFormat = 1;
constexpr std::size_t kFormatOffset = 4;
constexpr std::size_t kFlagsOffset = 6;
constexpr std::size_t kJobOffset = 8;
constexpr std::size_t kSeenOffset = 40;
constexpr std::size_t kRetainedOffset = 76;
constexpr std::size_t kDigestOffset = 140;
constexpr std::size_t kFileBytes = kDigestOffset + sizeof(Xxh128Digest);

constexpr std::uint16_t kHasJob = 1;
constexpr std::uint16_t kHasSeen = 2;
constexpr std::uint16_t kHasRetained = 4;

/// Moves through the bytes, writing or reading one field after another.
class Cursor {
 public:
  explicit Cursor(std::size_t offset) : offset_(offset) {}
  template <typename T>
  void Put(Bytes& bytes, const T& value) {
    StoreLittle(MutableByteSpan(bytes), offset_, value);
    offset_ += sizeof(T);
  }
  template <typename T>
  void Take(ByteSpan bytes, T& value) {
    value = LoadLittle<T>(bytes, offset_);
    offset_ += sizeof(T);
  }

 private:
  std::size_t offset_;
};

/// Calls `field` for each stored field in order.
template <typename Seen, typename Field>
void EachSeen(Seen& seen, Field field) {
  field(seen.lineage.number);
  field(seen.lineage.nonce);
  field(seen.epoch.number);
  field(seen.epoch.nonce);
  field(seen.version);
}
template <typename Update, typename Field>
void EachRetained(Update& update, Field field) {
  field(update.id.lineage);
  field(update.id.round);
  field(update.id.slot);
  field(update.id.task);
  field(update.digest);
  field(update.bytes);
  field(update.weight);
  field(update.base_version);
}

Error Damage(std::string text) { return {Reason::damage, std::move(text)}; }

}  // namespace

Bytes EncodeState(const DurableState& state) {
  Bytes bytes(kFileBytes);
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  StoreLittle(MutableByteSpan(bytes), kFormatOffset, kFormat);
  std::uint16_t flags = 0;
  if (state.job) {
    flags |= kHasJob;
    StoreLittle(MutableByteSpan(bytes), kJobOffset, *state.job);
  }
  if (state.seen) {
    flags |= kHasSeen;
    Cursor cursor(kSeenOffset);
    EachSeen(*state.seen, [&](const auto& value) { cursor.Put(bytes, value); });
  }
  if (state.retained) {
    flags |= kHasRetained;
    Cursor cursor(kRetainedOffset);
    EachRetained(*state.retained, [&](const auto& value) { cursor.Put(bytes, value); });
  }
  StoreLittle(MutableByteSpan(bytes), kFlagsOffset, flags);
  StoreLittle(MutableByteSpan(bytes), kDigestOffset,
              Xxh128Of(ByteSpan(bytes).first(kDigestOffset)));
  return bytes;
}

Result<DurableState> DecodeState(ByteSpan bytes) {
  if (bytes.size() < kFlagsOffset || AsText(bytes.first(kMagic.size())) != kMagic) {
    return Damage("it is no participant's state");
  }
  if (LoadLittle<std::uint16_t>(bytes, kFormatOffset) > kFormat) {
    return Error{Reason::unsupported, "it was written by a newer build"};
  }
  if (bytes.size() != kFileBytes) {
    return Damage("it has " + std::to_string(bytes.size()) + " bytes instead of " +
                  std::to_string(kFileBytes));
  }
  if (LoadLittle<Xxh128Digest>(bytes, kDigestOffset) != Xxh128Of(bytes.first(kDigestOffset))) {
    return Damage("its checksum does not match its bytes");
  }
  const auto flags = LoadLittle<std::uint16_t>(bytes, kFlagsOffset);
  DurableState state;
  if ((flags & kHasJob) != 0) state.job = LoadLittle<Sha256Digest>(bytes, kJobOffset);
  if ((flags & kHasSeen) != 0) {
    Cursor cursor(kSeenOffset);
    EachSeen(state.seen.emplace(), [&](auto& value) { cursor.Take(bytes, value); });
  }
  if ((flags & kHasRetained) != 0) {
    Cursor cursor(kRetainedOffset);
    EachRetained(state.retained.emplace(), [&](auto& value) { cursor.Take(bytes, value); });
  }
  // Anything else in it, with a right checksum, was not written by this format.
  if (!std::ranges::equal(EncodeState(state), bytes)) return Damage("it has unknown fields");
  return state;
}

Result<DurableState> ReadStateFile(const std::string& path) {
  Result<Bytes> bytes = ReadFile(path, 2 * kFileBytes);
  if (!bytes && bytes.error().reason == Reason::not_found) return DurableState{};
  if (!bytes && bytes.error().reason != Reason::too_large) return bytes.error();
  Result<DurableState> state =
      bytes ? DecodeState(*bytes) : Result<DurableState>(Damage("it is far too large"));
  if (!state) {
    return Error{state.error().reason,
                 "the participant's state " + path + " cannot be used: " + state.error().message +
                     ". Restore it, or start with an empty state directory: what it holds of a "
                     "round is then trained again"};
  }
  return state;
}

Status WriteStateFile(const std::string& path, const DurableState& state) {
  return WriteFileAtomically(path, EncodeState(state), 0600);
}

}  // namespace muster::participant
