#include "coordinator/runtime/accepted_bytes.h"

#include "aggregation/update_digest.h"

namespace muster::coordinator {

Status CheckAcceptedBytes(const UpdateSource& source, std::uint64_t bytes, const UpdateId& id,
                          const Xxh128Digest& digest) {
  const auto found = UpdateDigest(source, bytes);
  MUSTER_TRY(found);
  if (*found == digest) return {};
  return Error{Reason::damage, "the spool holds other bytes for the update " + id.Text() +
                                   " than were offered; its round cannot be folded from them"};
}

}  // namespace muster::coordinator
