#include "simulator/federation/corruption.h"

#include <utility>

#include "common/random.h"
#include "protocol/codec.h"

namespace muster::simulator {
namespace {

constexpr std::uint64_t kFlipsMost = 3;
/// Stands for the job's in all headers here: a header with another one is of another job.
constexpr JobPrefix kJob = {std::byte{0x6d}, std::byte{0x75}, std::byte{0x73}, std::byte{0x74},
                            std::byte{0x65}, std::byte{0x72}, std::byte{0x21}, std::byte{0x0a}};

void Flip(Bytes& bytes, KeyedStream& stream) {
  const std::uint64_t flips = 1 + stream.Below(kFlipsMost);
  for (std::uint64_t i = 0; i < flips; ++i) {
    // Two statements: GCC 12 and clang take the sides of an overloaded ^= in another order.
    const std::uint64_t at = stream.Below(bytes.size());
    bytes[at] ^= static_cast<std::byte>(1U << stream.Below(8));
  }
}

bool GrantsNothing(const Message& message) {
  return std::holds_alternative<ModelChunk>(message) || std::holds_alternative<Grant>(message) ||
         std::holds_alternative<UploadCredit>(message) ||
         std::holds_alternative<Accepted>(message) || std::holds_alternative<LeaseAck>(message);
}

Packet Read(const Packet& packet, ByteSpan frame) {
  Packet read = packet;
  const std::size_t payload_bytes = packet.payload == nullptr ? 0 : packet.payload->size();
  Result<DecodedMessage> decoded = DecodeMessage(frame, payload_bytes);
  if (!decoded) {
    read.unreadable = decoded.error().reason;
  } else if (decoded->header.job != kJob && decoded->header.job != JobPrefix{}) {
    read.unreadable = Reason::wrong_job;
  } else {
    read.fence = decoded->header.fence;
    read.message = std::move(decoded->message);
  }
  return read;
}

Bytes FrameOf(const Packet& packet) { return EncodeMessage({kJob, packet.fence}, packet.message); }

}  // namespace

Packet Recode(const Packet& packet) { return Read(packet, FrameOf(packet)); }

Packet Corrupt(const Packet& packet, bool to_client, std::uint64_t value) {
  KeyedStream stream(value, "corrupt", {});
  if (packet.payload != nullptr && !packet.payload->empty() && stream.Below(2) == 0) {
    Packet flipped = packet;
    Bytes bytes = *packet.payload;
    Flip(bytes, stream);
    flipped.payload = std::make_shared<const Bytes>(std::move(bytes));
    return flipped;
  }
  Bytes frame = FrameOf(packet);
  Flip(frame, stream);
  Packet read = Read(packet, frame);
  if (read.unreadable) return read;
  if (to_client && !GrantsNothing(read.message)) read.unreadable = Reason::malformed_message;
  read.garbled = !read.unreadable && FrameOf(read) != FrameOf(packet);
  return read;
}

}  // namespace muster::simulator
