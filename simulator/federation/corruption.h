// Bits that flip in a message before it is sealed.
#pragma once

#include <cstdint>

#include "simulator/federation/packet.h"

namespace muster::simulator {

/// What arrives of `packet` when a few bits of its frame or of its raw bytes flip, which ones
/// `value` says. What the codec does not take arrives as `unreadable`, the rest as it reads then;
/// `garbled` tells that its frame says something else than it should.
///
/// What this stands for: memory of the sender that is bad, or a sender with a bug. On the wire
/// itself CURVE and the bulk seal authenticate every frame, and a flipped bit ends the connection
/// (FaultKind::cut). Participants may say anything so. Of a coordinator nobody expects to survive
/// its own bad memory: from it arrives what cannot be read, model bytes, and what is garbled only
/// where that grants nothing (ModelChunk, Grant, UploadCredit, Accepted, LeaseAck); anything else
/// that still reads arrives as unreadable.
Packet Corrupt(const Packet& packet, bool to_client, std::uint64_t value);

/// As the runtimes do with every frame: encoded, then decoded again.
/// What a peer says that obeys no limit of the protocol arrives as `unreadable`.
Packet Recode(const Packet& packet);

}  // namespace muster::simulator
