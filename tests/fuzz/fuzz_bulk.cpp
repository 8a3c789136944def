// Bytes on the bulk channel and about it: what claims to be a ticket or to ask for one, and what
// claims to be sealed. None of it opens, and nothing but its own bytes is touched. The first byte is
// the size of the sealed head.
#include "transport/internal/bulk_seal.h"
#include "transport/internal/bulk_ticket.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace muster;
  const ByteSpan input(reinterpret_cast<const std::byte*>(data), size);
  const auto ticket = ParseTicket(input);
  MUSTER_CHECK(ticket.has_value() || !ticket.error().message.empty(), "a refusal says why");
  const Status request = ParseTicketRequest(input);
  MUSTER_CHECK(!request.has_value() || !ticket.has_value(), "a frame has one kind");
  if (input.empty()) return 0;
  const std::size_t head_bytes = std::min<std::size_t>(data[0], size - 1);
  Bytes head(input.begin() + 1, input.begin() + 1 + static_cast<std::ptrdiff_t>(head_bytes));
  Bytes payload(input.begin() + 1 + static_cast<std::ptrdiff_t>(head_bytes), input.end());
  BulkOpener opener{SecretBytes(Bytes(kAesKeyBytes, std::byte{1}))};
  MUSTER_CHECK(!opener.Open(head, payload).has_value(), "what nobody sealed does not open");
  return 0;
}
