#include "aggregation/update_digest.h"

#include <algorithm>

namespace muster {
namespace {

constexpr std::size_t kPieceBytes = 256U << 10;  ///< Read at a time while hashing.

}  // namespace

Result<Xxh128Digest> UpdateDigest(const UpdateSource& source, std::uint64_t bytes) {
  Xxh128 hash;
  Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kPieceBytes)));
  for (std::uint64_t offset = 0; offset < bytes;) {
    const MutableByteSpan part(piece.data(), std::min<std::uint64_t>(bytes - offset, piece.size()));
    MUSTER_TRY(source.read(offset, part));
    hash.Update(part);
    offset += part.size();
  }
  return hash.Digest();
}

}  // namespace muster
