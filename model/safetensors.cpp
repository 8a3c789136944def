#include "model/safetensors.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>
#include <utility>

#include "common/limits.h"
#include "model/safetensors_header.h"

namespace muster {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr mode_t kFileMode = 0644;

// Fills the span from an offset of the file. REQUIRES: the file holds it.
using ReadAt = std::function<Status(std::uint64_t, MutableByteSpan)>;

Result<SafetensorsFile> ReadFrom(std::uint64_t file_bytes, const ReadAt& read) {
  if (file_bytes < kLengthBytes) {
    return Error{Reason::file_malformed,
                 "a safetensors file begins with 8 bytes of length; this has " +
                     std::to_string(file_bytes) + " bytes in all"};
  }
  std::byte length_bytes[kLengthBytes];
  MUSTER_TRY(read(0, length_bytes));
  const auto length = LoadLittle<std::uint64_t>(length_bytes, 0);
  if (length > limits::kSafetensorsHeaderBytesMax) {
    return Error{Reason::too_large, "the header has " + std::to_string(length) +
                                        " bytes, at most " +
                                        std::to_string(limits::kSafetensorsHeaderBytesMax)};
  }
  if (length > file_bytes - kLengthBytes) {
    return Error{Reason::file_malformed, "the file ends inside its header"};
  }
  std::string json(static_cast<std::size_t>(length), '\0');
  MUSTER_TRY(read(kLengthBytes, std::as_writable_bytes(std::span(json))));
  auto header = DecodeSafetensorsHeader(json);
  MUSTER_TRY(header);

  std::uint64_t offset = kLengthBytes + length;
  if (file_bytes - offset != header->data_bytes) {
    return Error{Reason::file_malformed, "the tensors have " + std::to_string(header->data_bytes) +
                                             " bytes by the header, but " +
                                             std::to_string(file_bytes - offset) + " follow it"};
  }
  SafetensorsFile file{ParameterSet(std::move(header->layout)), std::move(header->metadata)};
  for (const ParameterLayout::Entry& entry : file.parameters.layout().entries()) {
    MUSTER_TRY(
        read(offset, file.parameters.bytes().subspan(static_cast<std::size_t>(entry.offset_bytes),
                                                     static_cast<std::size_t>(entry.size_bytes))));
    offset += entry.size_bytes;
  }
  return file;
}

}  // namespace

Result<SafetensorsWriter> SafetensorsWriter::Create(const std::string& path,
                                                    const ParameterLayout& layout,
                                                    const SafetensorsMetadata& metadata) {
  auto header = EncodeSafetensorsHeader(layout, metadata);
  MUSTER_TRY(header);
  auto file = AtomicFileWriter::Create(path, kFileMode);
  MUSTER_TRY(file);
  std::byte length[kLengthBytes];
  StoreLittle(length, 0, static_cast<std::uint64_t>(header->size()));
  MUSTER_TRY(file->Write(length));
  MUSTER_TRY(file->Write(AsBytes(*header)));
  return SafetensorsWriter(std::move(*file), layout);
}

Status SafetensorsWriter::Append(ByteSpan bytes) {
  MUSTER_CHECK(bytes.size() <= layout_.total_bytes() - appended_bytes_, "more than the model");
  const std::uint64_t piece_begin = appended_bytes_;
  const std::uint64_t piece_end = piece_begin + bytes.size();
  for (; tensor_ < layout_.entries().size(); ++tensor_) {
    const ParameterLayout::Entry& entry = layout_.entries()[tensor_];
    const std::uint64_t tensor_end = entry.offset_bytes + entry.size_bytes;
    const std::uint64_t begin = std::max(piece_begin, entry.offset_bytes);
    const std::uint64_t end = std::min(piece_end, tensor_end);
    if (begin < end) {
      MUSTER_TRY(file_.Write(bytes.subspan(static_cast<std::size_t>(begin - piece_begin),
                                           static_cast<std::size_t>(end - begin))));
    }
    if (piece_end < tensor_end) break;
  }
  appended_bytes_ = piece_end;
  return {};
}

Status SafetensorsWriter::Commit() {
  MUSTER_CHECK(appended_bytes_ == layout_.total_bytes(), "less than the model");
  return file_.Commit();
}

Status WriteSafetensors(const std::string& path, const ParameterSet& parameters,
                        const SafetensorsMetadata& metadata) {
  auto writer = SafetensorsWriter::Create(path, parameters.layout(), metadata);
  MUSTER_TRY(writer);
  MUSTER_TRY(writer->Append(parameters.bytes()));
  return writer->Commit();
}

Result<SafetensorsFile> ReadSafetensors(const std::string& path) {
  auto input = InputFile::Open(path);
  MUSTER_TRY(input);
  auto file = ReadFrom(input->size(), [&](std::uint64_t offset, MutableByteSpan bytes) {
    return input->ReadAt(offset, bytes);
  });
  if (!file && file.error().reason != Reason::file_unreadable) {
    file.error().message = path + ": " + file.error().message;
  }
  return file;
}

Result<SafetensorsFile> ParseSafetensors(ByteSpan bytes) {
  return ReadFrom(bytes.size(), [&](std::uint64_t offset, MutableByteSpan out) {
    if (!out.empty()) std::memcpy(out.data(), bytes.data() + offset, out.size());
    return Status();
  });
}

}  // namespace muster
