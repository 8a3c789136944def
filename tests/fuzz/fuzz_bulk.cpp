// Bytes on the bulk channel and about it: what claims to be a ticket or to ask for one; what claims
// to be sealed and was sealed by nobody; and what was sealed and changed in one place. The first
// three bytes say how large the head is, and where and how it is changed.
#include <algorithm>
#include <utility>

#include "transport/internal/bulk_seal.h"
#include "transport/internal/bulk_ticket.h"

namespace {

using namespace muster;

SecretBytes Key() { return SecretBytes(Bytes(kAesKeyBytes, std::byte{1})); }

/// Seals both parts either way, changes a byte by `change`, and opens.
void SealAndOpen(ByteSpan head, ByteSpan payload, std::size_t where, std::byte change) {
  const bool share = where % 2 == 1 && !payload.empty();
  SharedSeal shared;
  BulkSealer sealer(Key());
  Bytes sealed_head(head.size() + (share ? kSharedHeadExtra : kSealedHeadExtra));
  Bytes sealed_payload(payload.empty() || share ? 0 : payload.size() + kSealedPayloadExtra);
  if (share) {
    const SharedSeal::Sealed once = shared.Of(payload);
    sealer.SealShared(head, once, sealed_head);
    sealed_payload.assign(once.ciphertext.begin(), once.ciphertext.end());
  } else {
    sealer.Seal(head, payload, sealed_head, sealed_payload);
  }
  where %= sealed_head.size() + sealed_payload.size();
  (where < sealed_head.size() ? sealed_head[where] : sealed_payload[where - sealed_head.size()]) ^=
      change;
  BulkOpener opener(Key());
  const auto opened = opener.Open(sealed_head, sealed_payload);
  MUSTER_CHECK(opened.has_value() == (change == std::byte{0}), "what was changed does not open");
  MUSTER_CHECK(!opened || (std::ranges::equal(opened->head, head) &&
                           std::ranges::equal(opened->payload, payload)),
               "what opens is what was sealed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan input(reinterpret_cast<const std::byte*>(data), size);
  const auto ticket = ParseTicket(input);
  MUSTER_CHECK(ticket.has_value() || !ticket.error().message.empty(), "a refusal says why");
  const Status request = ParseTicketRequest(input);
  MUSTER_CHECK(!request.has_value() || !ticket.has_value(), "a frame has one kind");
  if (size < 3) return 0;
  const ByteSpan rest = input.subspan(3);
  const std::size_t head_bytes = std::min<std::size_t>(data[0], rest.size());
  SealAndOpen(rest.first(head_bytes), rest.subspan(head_bytes), data[1], input[2]);
  Bytes head(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(head_bytes));
  Bytes payload(rest.begin() + static_cast<std::ptrdiff_t>(head_bytes), rest.end());
  BulkOpener opener(Key());
  MUSTER_CHECK(!opener.Open(head, payload).has_value(), "what nobody sealed does not open");
  return 0;
}
