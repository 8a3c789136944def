// What lets one bulk connection in and seals it. The bulk connection itself is no CURVE connection:
// its handshake (ZMTP PLAIN) only shows a ticket, which came over the control connection of the
// same participant, and its frames are sealed under the ticket's keys. docs/protocol.md, "The bulk
// connection".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/aes_gcm.h"
#include "common/bytes.h"
#include "common/error.h"
#include "common/secret.h"

namespace muster {

inline constexpr std::size_t kTicketPasswordBytes = 32;

/// Move only.
struct BulkTicket {
  std::uint64_t number = 0;
  SecretBytes password;  ///< kTicketPasswordBytes; crosses the network in the clear, once.
  SecretBytes up_key;    ///< kAesKeyBytes: participant to coordinator.
  SecretBytes down_key;  ///< kAesKeyBytes: coordinator to participant.
};

/// First frame of a client on a control connection: "a ticket, please".
Bytes EncodeTicketRequest();
/// Whether a frame is meant for the transport itself: a request or a ticket of any format.
bool IsTicketFrame(ByteSpan frame);
/// Errors: malformed_message; protocol_unsupported, for a format that this build does not speak.
Status ParseTicketRequest(ByteSpan frame);

/// The answer: secret as a whole.
SecretBytes EncodeTicket(const BulkTicket& ticket);
/// The answer to a request of a format that this build does not speak.
Bytes EncodeTicketRefusal();
/// Errors: malformed_message; protocol_unsupported, for a refusal or another format.
Result<BulkTicket> ParseTicket(ByteSpan frame);

/// As the PLAIN handshake carries them.
std::string TicketUser(std::uint64_t number);
std::string TicketPassword(const SecretBytes& password);

}  // namespace muster
