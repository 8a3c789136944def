// Messages to bytes and back. The bytes are one frame: the fixed header (header.h) and the body, a
// bounded archive of the message's fields. Raw tensor bytes travel beside the frame, never in it.
#pragma once

#include <cstddef>

#include "common/bytes.h"
#include "common/error.h"
#include "protocol/header.h"
#include "protocol/messages.h"

namespace muster {

struct DecodedMessage {
  MessageHeader header;
  Message message;
};

/// The frame of a message. Cannot fail: the text of a refusal is cut to its limit and what is not
/// printable ASCII becomes '?'. Other fields that break limits.h are refused by the receiver.
Bytes EncodeMessage(const MessageHeader& header, const Message& message);

/// Reads a frame that a peer sent; `payload_bytes` is the size of the raw bytes beside it. What it
/// returns obeys limits.h in every field. It knows nothing of sessions: whether the message fits
/// the peer's state, job and epoch is the core's to judge. The checksum of raw bytes is not looked
/// at. Never throws and never allocates ahead of the bytes that came.
/// Errors: malformed_message, too_large, protocol_unsupported.
Result<DecodedMessage> DecodeMessage(ByteSpan frame, std::size_t payload_bytes);

}  // namespace muster
