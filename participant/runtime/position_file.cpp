#include "participant/runtime/position_file.h"

#include <cstring>

#include "common/digest.h"
#include "common/file.h"
#include "common/limits.h"

namespace muster::participant {
namespace {

constexpr std::string_view kMagic = "MPOS";
constexpr std::uint16_t kFormat = 1;
constexpr std::size_t kFormatOffset = 4;
constexpr std::size_t kLineageOffset = 8;
constexpr std::size_t kRoundOffset = 12;
constexpr std::size_t kSlotOffset = 20;
constexpr std::size_t kTaskOffset = 24;
constexpr std::size_t kBaseOffset = 28;
constexpr std::size_t kBatchesOffset = 36;
constexpr std::size_t kSizeOffset = 44;
constexpr std::size_t kTrainerOffset = 52;
constexpr std::size_t kDigestBytes = sizeof(Xxh128Digest);
/// A model and as much again for what an optimizer or a shuffle may keep.
constexpr std::uint64_t kFileBytesMax = 2 * limits::kModelBytesMax;

}  // namespace

Status SavePosition(const std::string& path, const SavedPosition& position) {
  Bytes bytes(kTrainerOffset + position.trainer.size() + kDigestBytes);
  const MutableByteSpan out(bytes);
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  StoreLittle(out, kFormatOffset, kFormat);
  StoreLittle(out, kLineageOffset, position.id.lineage);
  StoreLittle(out, kRoundOffset, position.id.round);
  StoreLittle(out, kSlotOffset, position.id.slot);
  StoreLittle(out, kTaskOffset, position.id.task);
  StoreLittle(out, kBaseOffset, position.base_version);
  StoreLittle(out, kBatchesOffset, position.batches_done);
  StoreLittle(out, kSizeOffset, std::uint64_t{position.trainer.size()});
  std::copy(position.trainer.begin(), position.trainer.end(), bytes.begin() + kTrainerOffset);
  const std::size_t digest_offset = bytes.size() - kDigestBytes;
  StoreLittle(out, digest_offset, Xxh128Of(ByteSpan(bytes).first(digest_offset)));
  return WriteFileAtomically(path, bytes, 0600);
}

Result<std::optional<SavedPosition>> LoadPosition(const std::string& path) {
  Result<Bytes> bytes = ReadFile(path, kFileBytesMax);
  if (!bytes && bytes.error().reason == Reason::not_found) return std::optional<SavedPosition>();
  if (!bytes) return bytes.error();
  const ByteSpan in(*bytes);
  const auto malformed = [&path](const char* why) {
    return Error{Reason::file_malformed, "the saved position " + path + " " + why};
  };
  if (in.size() < kTrainerOffset + kDigestBytes || AsText(in.first(kMagic.size())) != kMagic ||
      LoadLittle<std::uint16_t>(in, kFormatOffset) != kFormat) {
    return malformed("is none of this format");
  }
  const std::size_t digest_offset = in.size() - kDigestBytes;
  if (LoadLittle<Xxh128Digest>(in, digest_offset) != Xxh128Of(in.first(digest_offset)) ||
      LoadLittle<std::uint64_t>(in, kSizeOffset) != digest_offset - kTrainerOffset) {
    return malformed("is damaged");
  }
  SavedPosition position;
  position.id = {LoadLittle<std::uint32_t>(in, kLineageOffset), LoadLittle<Round>(in, kRoundOffset),
                 LoadLittle<Slot>(in, kSlotOffset), LoadLittle<Task>(in, kTaskOffset)};
  position.base_version = LoadLittle<Version>(in, kBaseOffset);
  position.batches_done = LoadLittle<std::uint64_t>(in, kBatchesOffset);
  const ByteSpan trainer = in.subspan(kTrainerOffset, digest_offset - kTrainerOffset);
  position.trainer.assign(trainer.begin(), trainer.end());
  return std::optional<SavedPosition>(std::move(position));
}

}  // namespace muster::participant
