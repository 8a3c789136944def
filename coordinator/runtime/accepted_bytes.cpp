#include "coordinator/runtime/accepted_bytes.h"

#include <algorithm>

namespace muster::coordinator {
namespace {

constexpr std::size_t kPieceBytes = 256U << 10;  ///< Read at a time while hashing.

}  // namespace

Status CheckAcceptedBytes(const UpdateSource& source, std::uint64_t bytes, const UpdateId& id,
                          const Xxh128Digest& digest) {
  Xxh128 hash;
  Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kPieceBytes)));
  for (std::uint64_t offset = 0; offset < bytes;) {
    const MutableByteSpan part(piece.data(), std::min<std::uint64_t>(bytes - offset, piece.size()));
    MUSTER_TRY(source.read(offset, part));
    hash.Update(part);
    offset += part.size();
  }
  if (hash.Digest() == digest) return {};
  return Error{Reason::damage, "the spool holds other bytes for the update " + id.Text() +
                                   " than were offered; its round cannot be folded from them"};
}

}  // namespace muster::coordinator
