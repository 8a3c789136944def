#include "common/sealed.h"

#include <string>
#include <utility>

#include "common/digest.h"

namespace muster {
namespace {

Error Malformed(std::string text) { return {Reason::file_malformed, std::move(text)}; }

}  // namespace

void SealedWriter::PutBytes(ByteSpan bytes) {
  bytes_.reserve(bytes_.size() + bytes.size() + sizeof(Xxh128Digest));  // May be a whole model.
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

Bytes SealedWriter::Seal() {
  Put(Xxh128Of(bytes_));
  return std::move(bytes_);
}

Result<SealedReader> SealedReader::Open(ByteSpan bytes, std::string_view magic,
                                        std::size_t format_bytes, std::uint64_t found,
                                        std::uint64_t known) {
  const std::size_t head_bytes = magic.size() + format_bytes;
  if (bytes.size() < head_bytes || AsText(bytes.first(magic.size())) != magic) {
    return Malformed("it does not begin with " + std::string(magic) + " and a format");
  }
  if (found > known) {
    return Error{Reason::unsupported, "it has format " + std::to_string(found) +
                                          "; this build reads format " + std::to_string(known)};
  }
  if (found != known) return Malformed("it has format " + std::to_string(found));
  if (bytes.size() < head_bytes + sizeof(Xxh128Digest)) return Malformed("it is too short");
  const std::size_t digest_offset = bytes.size() - sizeof(Xxh128Digest);
  if (LoadLittle<Xxh128Digest>(bytes, digest_offset) != Xxh128Of(bytes.first(digest_offset))) {
    return Malformed("its checksum does not match its bytes");
  }
  return SealedReader(bytes.subspan(head_bytes, digest_offset - head_bytes));
}

ByteSpan SealedReader::TakeBytes(std::uint64_t size) {
  if (size > fields_.size()) {
    ended_early_ = true;
    fields_ = {};
    return {};
  }
  const ByteSpan taken = fields_.first(static_cast<std::size_t>(size));
  fields_ = fields_.subspan(static_cast<std::size_t>(size));
  return taken;
}

Status SealedReader::Finish() const {
  if (ended_early_) return Malformed("its fields end too early");
  if (!fields_.empty()) {
    return Malformed("it has " + std::to_string(fields_.size()) + " bytes behind its fields");
  }
  return {};
}

}  // namespace muster
