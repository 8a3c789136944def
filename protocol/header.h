// The fixed header before every message: 64 bytes, little-endian, parsed by hand before anything
// else is looked at. docs/protocol.md has a worked example.
//
//   offset  size  field
//        0     4  magic "MSTR"
//        4     2  header format (kHeaderFormat)
//        6     2  message type
//        8     4  flags: zero, none is defined
//       12     4  lineage number
//       16     8  first bytes of the job's digest; zero in hello
//       24     8  epoch number
//       32     8  epoch nonce
//       40     8  sequence: grows with the sender's messages of this channel
//       48     4  body bytes: what follows the header in this frame
//       52    12  reserved: zero
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/bytes.h"
#include "common/error.h"
#include "common/ids.h"
#include "protocol/messages.h"

namespace muster {

inline constexpr std::uint16_t kHeaderFormat = 1;

/// Numbers go over the wire: append only, never renumber.
enum class MessageType : std::uint16_t {
  // Participant to coordinator, control.
  hello = 1,
  lease_renew = 2,
  offer = 3,
  leave = 4,
  refuse_coordinator = 5,
  // Coordinator to participant, control.
  welcome = 16,
  lease_ack = 17,
  task = 18,
  grant = 19,
  upload_credit = 20,
  accepted = 21,
  committed = 22,
  refused = 23,
  job_finished = 24,
  // Bulk.
  bulk_hello = 32,
  model_request = 33,
  model_chunk = 34,
  update_chunk = 35,
};

/// The first bytes of a job's digest: enough to notice a message that went astray.
using JobPrefix = std::array<std::byte, 8>;
JobPrefix JobPrefixOf(const Sha256Digest& job_digest);

/// What the sender says about every message of its.
struct MessageHeader {
  JobPrefix job{};  ///< Zero while the sender knows no job.
  Fence fence;
  std::uint64_t sequence = 0;  ///< For logs and traces; no receiver depends on it.
  bool operator==(const MessageHeader&) const = default;
};

struct ParsedHeader {
  MessageHeader header;
  MessageType type = MessageType::hello;
  std::uint32_t body_bytes = 0;
};

/// Most body bytes that a message of this type may have.
std::size_t BodyBytesMax(MessageType type);

/// REQUIRES: out.size() == limits::kHeaderBytes.
void WriteHeader(const ParsedHeader& parsed, MutableByteSpan out);

/// Parses the header of a frame. The body's length is checked against the frame and the type's cap.
/// Errors: malformed_message, too_large, protocol_unsupported (another header format or a flag).
Result<ParsedHeader> ParseHeader(ByteSpan frame);

}  // namespace muster
