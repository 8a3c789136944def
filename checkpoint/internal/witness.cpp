#include "checkpoint/internal/witness.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "checkpoint/internal/files.h"
#include "common/bytes.h"
#include "common/digest.h"

namespace muster::checkpoint {
namespace {

// Each slot has a page of its own: no torn write reaches both.
constexpr std::size_t kSlotStrideBytes = 4096;
constexpr std::size_t kSlotCount = 2;
constexpr std::string_view kMagic = "MSTRWIT1";
// Magic, batch number, XXH3-64 of the two.
constexpr std::size_t kNumberOffset = 8;
constexpr std::size_t kChecksumOffset = 16;
constexpr std::size_t kSlotBytes = 24;
constexpr std::size_t kFileBytes = kSlotCount * kSlotStrideBytes;

std::array<std::byte, kSlotBytes> EncodeSlot(std::uint64_t batch_number) {
  std::array<std::byte, kSlotBytes> slot;
  std::copy_n(AsBytes(kMagic).data(), kMagic.size(), slot.data());
  StoreLittle<std::uint64_t>(slot, kNumberOffset, batch_number);
  StoreLittle<std::uint64_t>(slot, kChecksumOffset, Xxh64Of(ByteSpan(slot).first(kChecksumOffset)));
  return slot;
}

std::optional<std::uint64_t> DecodeSlot(ByteSpan slot) {
  if (AsText(slot.first(kMagic.size())) != kMagic) return std::nullopt;
  if (LoadLittle<std::uint64_t>(slot, kChecksumOffset) != Xxh64Of(slot.first(kChecksumOffset))) {
    return std::nullopt;
  }
  return LoadLittle<std::uint64_t>(slot, kNumberOffset);
}

using Slots = std::array<std::optional<std::uint64_t>, kSlotCount>;

Result<Slots> ReadSlots(rocksdb::FileSystem& files, const std::string& path) {
  auto text = ReadSmallFile(files, path, kFileBytes);
  MUSTER_TRY(text);
  text->resize(kFileBytes);
  Slots slots;
  for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
    slots[slot] = DecodeSlot(AsBytes(*text).subspan(slot * kSlotStrideBytes, kSlotBytes));
  }
  return slots;
}

}  // namespace

Result<std::optional<std::uint64_t>> Witness::Read(rocksdb::FileSystem& files,
                                                   const std::string& path) {
  auto slots = ReadSlots(files, path);
  if (!slots && slots.error().reason == Reason::not_found) return std::optional<std::uint64_t>();
  MUSTER_TRY(slots);
  const std::optional<std::uint64_t> greatest = std::max((*slots)[0], (*slots)[1]);
  if (!greatest) {
    return Error{Reason::damage, "no slot of the witness " + path +
                                     " is whole: it no longer tells how far the log goes"};
  }
  return greatest;
}

Status Witness::Create(rocksdb::FileSystem& files, const std::string& directory,
                       const std::string& path, std::uint64_t batch_number) {
  std::string text(kFileBytes, '\0');
  const auto slot = EncodeSlot(batch_number);
  for (std::size_t i = 0; i < kSlotCount; ++i) {
    text.replace(i * kSlotStrideBytes, kSlotBytes, AsText(slot));
  }
  return WriteSmallFile(files, directory, path, text);
}

Result<std::unique_ptr<Witness>> Witness::Open(rocksdb::FileSystem& files,
                                               const std::string& path) {
  auto slots = ReadSlots(files, path);
  MUSTER_TRY(slots);
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  const rocksdb::IOStatus status = files.NewRandomRWFile(path, {}, &file, nullptr);
  if (!status.ok()) return ErrorOf(status, "open " + path);
  return std::unique_ptr<Witness>(
      new Witness(std::move(file), path, (*slots)[0] < (*slots)[1] ? 0 : 1));
}

Witness::Witness(std::unique_ptr<rocksdb::FSRandomRWFile> file, std::string path,
                 std::size_t next_slot)
    : file_(std::move(file)), path_(std::move(path)), next_slot_(next_slot) {}
Witness::~Witness() = default;

Status Witness::Tell(std::uint64_t batch_number) {
  const auto slot = EncodeSlot(batch_number);
  const std::uint64_t offset = next_slot_ * kSlotStrideBytes;
  const std::string_view text = AsText(slot);
  const rocksdb::IOStatus status = file_->Write(offset, {text.data(), text.size()}, {}, nullptr);
  if (!status.ok()) return ErrorOf(status, "write " + path_);
  next_slot_ = (next_slot_ + 1) % kSlotCount;
  return {};
}

}  // namespace muster::checkpoint
