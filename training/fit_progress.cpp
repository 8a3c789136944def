#include "training/fit_progress.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace muster {

namespace {

constexpr std::string_view kMagic = "MUSTRFIT";
constexpr std::uint32_t kFormatVersion = 1;

constexpr std::size_t kVersionOffset = 8;
constexpr std::size_t kPartOffset = 12;
constexpr std::size_t kJobOffset = 16;
constexpr std::size_t kRoundOffset = 48;
constexpr std::size_t kSlotOffset = 56;
constexpr std::size_t kTaskOffset = 60;
constexpr std::size_t kBaseOffset = 64;
constexpr std::size_t kBatchesOffset = 80;
constexpr std::size_t kSizeOffset = 88;
constexpr std::size_t kParametersOffset = 96;
constexpr std::size_t kChecksumBytes = sizeof(Xxh128Digest);

Error Malformed(const std::string& what) {
  return Error{Reason::file_malformed, "the saved progress of a fit cannot be used: " + what};
}

}  // namespace

Bytes EncodeFitProgress(const FitProgress& progress, const ProgressOwner& owner) {
  const std::size_t body_bytes = kParametersOffset + progress.parameters.size();
  Bytes bytes(body_bytes + kChecksumBytes);
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  StoreLittle(bytes, kVersionOffset, kFormatVersion);
  StoreLittle(bytes, kPartOffset, owner.part);
  StoreLittle(bytes, kJobOffset, owner.job);
  StoreLittle(bytes, kRoundOffset, progress.task.round);
  StoreLittle(bytes, kSlotOffset, progress.task.slot);
  StoreLittle(bytes, kTaskOffset, progress.task.task);
  StoreLittle(bytes, kBaseOffset, progress.base);
  StoreLittle(bytes, kBatchesOffset, progress.batches_done);
  StoreLittle(bytes, kSizeOffset, static_cast<std::uint64_t>(progress.parameters.size()));
  std::copy(progress.parameters.begin(), progress.parameters.end(),
            bytes.begin() + kParametersOffset);
  StoreLittle(bytes, body_bytes, Xxh128Of(ByteSpan(bytes).first(body_bytes)));
  return bytes;
}

Result<FitProgress> DecodeFitProgress(ByteSpan bytes, const ProgressOwner& owner,
                                      std::uint64_t parameter_bytes, std::uint64_t batches_total) {
  if (bytes.size() < kParametersOffset + kChecksumBytes) return Malformed("it is too short");
  if (AsText(bytes.first(kMagic.size())) != kMagic) return Malformed("it has another magic");
  if (LoadLittle<std::uint32_t>(bytes, kVersionOffset) != kFormatVersion) {
    return Malformed("it has another format version");
  }
  const std::size_t body_bytes = bytes.size() - kChecksumBytes;
  if (LoadLittle<Xxh128Digest>(bytes, body_bytes) != Xxh128Of(bytes.first(body_bytes))) {
    return Malformed("its checksum is wrong");
  }
  const ProgressOwner found = {LoadLittle<Sha256Digest>(bytes, kJobOffset),
                               LoadLittle<std::uint32_t>(bytes, kPartOffset)};
  if (found != owner) return Malformed("it belongs to another job or part");
  if (LoadLittle<std::uint64_t>(bytes, kSizeOffset) != parameter_bytes ||
      body_bytes - kParametersOffset != parameter_bytes) {
    return Malformed("it does not have the model's size");
  }
  FitProgress progress;
  progress.task.round = LoadLittle<Round>(bytes, kRoundOffset);
  progress.task.slot = LoadLittle<Slot>(bytes, kSlotOffset);
  progress.task.task = LoadLittle<Task>(bytes, kTaskOffset);
  progress.base = LoadLittle<Xxh128Digest>(bytes, kBaseOffset);
  progress.batches_done = LoadLittle<std::uint64_t>(bytes, kBatchesOffset);
  if (progress.batches_done >= batches_total) return Malformed("it has no batch left to train");
  const ByteSpan parameters = bytes.subspan(kParametersOffset, parameter_bytes);
  progress.parameters.assign(parameters.begin(), parameters.end());
  return progress;
}

}  // namespace muster
