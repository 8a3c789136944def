#include "transport/internal/bulk_ticket.h"

#include <zmq.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace muster {
namespace {

// magic (8), format (2), kind (2), zero (4); a ticket goes on with its number (8), its password
// (32) and its keys (32 each).
constexpr std::string_view kMagic = "MSTRtkt";  // And its zero: no header of a message begins so.
constexpr std::size_t kMagicBytes = 8;
constexpr std::size_t kFormatAt = 8;
constexpr std::size_t kKindAt = 10;
constexpr std::size_t kZeroAt = 12;
constexpr std::size_t kNumberAt = 16;
constexpr std::size_t kPasswordAt = 24;
constexpr std::size_t kUpKeyAt = kPasswordAt + kTicketPasswordBytes;
constexpr std::size_t kDownKeyAt = kUpKeyAt + kAesKeyBytes;
constexpr std::size_t kTicketBytes = kDownKeyAt + kAesKeyBytes;
constexpr std::size_t kShortBytes = kNumberAt;
/// Of ticket and seal together: AES-256-GCM as bulk_seal.h has it.
constexpr std::uint16_t kTicketFormat = 1;

enum class Kind : std::uint16_t { request = 1, ticket = 2, refusal = 3 };

void WriteStart(MutableByteSpan out, Kind kind) {
  std::ranges::fill(out.first(kShortBytes), std::byte{0});
  std::ranges::copy(AsBytes(kMagic), out.begin());
  StoreLittle(out, kFormatAt, kTicketFormat);
  StoreLittle(out, kKindAt, static_cast<std::uint16_t>(kind));
}

Bytes ShortFrame(Kind kind) {
  Bytes frame(kShortBytes);
  WriteStart(frame, kind);
  return frame;
}

/// The kind of a frame of our format.
Result<Kind> ParseStart(ByteSpan frame) {
  if (!IsTicketFrame(frame)) return Error{Reason::malformed_message, "no frame of a ticket"};
  const auto format = LoadLittle<std::uint16_t>(frame, kFormatAt);
  if (format != kTicketFormat) {
    return Error{Reason::protocol_unsupported, "tickets of format " + std::to_string(format) +
                                                   " came, this build speaks " +
                                                   std::to_string(kTicketFormat)};
  }
  if (LoadLittle<std::uint32_t>(frame, kZeroAt) != 0) {
    return Error{Reason::malformed_message, "reserved bytes of a ticket are not zero"};
  }
  return static_cast<Kind>(LoadLittle<std::uint16_t>(frame, kKindAt));
}

}  // namespace

Bytes EncodeTicketRequest() { return ShortFrame(Kind::request); }

Bytes EncodeTicketRefusal() { return ShortFrame(Kind::refusal); }

bool IsTicketFrame(ByteSpan frame) {
  return frame.size() >= kShortBytes &&
         std::ranges::equal(frame.first(kMagic.size()), AsBytes(kMagic)) &&
         frame[kMagicBytes - 1] == std::byte{0};
}

Status ParseTicketRequest(ByteSpan frame) {
  const auto kind = ParseStart(frame);
  MUSTER_TRY(kind);
  if (*kind == Kind::request && frame.size() == kShortBytes) return {};
  return Error{Reason::malformed_message, "no request for a ticket"};
}

SecretBytes EncodeTicket(const BulkTicket& ticket) {
  MUSTER_CHECK(ticket.password.size() == kTicketPasswordBytes &&
                   ticket.up_key.size() == kAesKeyBytes && ticket.down_key.size() == kAesKeyBytes,
               "a ticket has a password and two keys");
  std::array<std::byte, kTicketBytes> frame;
  WriteStart(frame, Kind::ticket);
  StoreLittle(frame, kNumberAt, ticket.number);
  std::ranges::copy(ticket.password.Reveal(), frame.begin() + kPasswordAt);
  std::ranges::copy(ticket.up_key.Reveal(), frame.begin() + kUpKeyAt);
  std::ranges::copy(ticket.down_key.Reveal(), frame.begin() + kDownKeyAt);
  SecretBytes encoded{ByteSpan(frame)};
  WipeBytes(frame);
  return encoded;
}

Result<BulkTicket> ParseTicket(ByteSpan frame) {
  const auto kind = ParseStart(frame);
  MUSTER_TRY(kind);
  if (*kind == Kind::refusal && frame.size() == kShortBytes) {
    return Error{Reason::protocol_unsupported, "the coordinator gives no tickets of this format"};
  }
  if (*kind != Kind::ticket || frame.size() != kTicketBytes) {
    return Error{Reason::malformed_message, "no ticket"};
  }
  return BulkTicket{LoadLittle<std::uint64_t>(frame, kNumberAt),
                    SecretBytes(frame.subspan(kPasswordAt, kTicketPasswordBytes)),
                    SecretBytes(frame.subspan(kUpKeyAt, kAesKeyBytes)),
                    SecretBytes(frame.subspan(kDownKeyAt, kAesKeyBytes))};
}

std::string TicketUser(std::uint64_t number) { return std::to_string(number); }

std::string TicketPassword(const SecretBytes& password) {
  static_assert(kTicketPasswordBytes % 4 == 0, "what Z85 takes");
  std::string text(kTicketPasswordBytes / 4 * 5 + 1, '\0');
  zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(password.Reveal().data()),
                 password.size());
  text.pop_back();
  return text;
}

}  // namespace muster
