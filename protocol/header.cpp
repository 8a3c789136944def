#include "protocol/header.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "common/limits.h"

namespace muster {
namespace {

constexpr std::size_t kMagicAt = 0;
constexpr std::size_t kFormatAt = 4;
constexpr std::size_t kTypeAt = 6;
constexpr std::size_t kFlagsAt = 8;
constexpr std::size_t kLineageAt = 12;
constexpr std::size_t kJobAt = 16;
constexpr std::size_t kEpochNumberAt = 24;
constexpr std::size_t kEpochNonceAt = 32;
constexpr std::size_t kSequenceAt = 40;
constexpr std::size_t kBodyBytesAt = 48;
constexpr std::size_t kReservedAt = 52;
constexpr std::uint32_t kMagic = 0x5254534d;  // "MSTR" as it lies in the frame.
static_assert(kReservedAt < limits::kHeaderBytes);

/// Zero for numbers that are no type.
std::size_t CapOf(std::uint16_t number) {
  switch (static_cast<MessageType>(number)) {
    case MessageType::welcome:
    case MessageType::task:
      return limits::kControlMessageBytesMax;
    case MessageType::hello:
    case MessageType::lease_renew:
    case MessageType::offer:
    case MessageType::leave:
    case MessageType::refuse_coordinator:
    case MessageType::lease_ack:
    case MessageType::grant:
    case MessageType::upload_credit:
    case MessageType::accepted:
    case MessageType::committed:
    case MessageType::refused:
    case MessageType::job_finished:
    case MessageType::bulk_hello:
    case MessageType::model_request:
    case MessageType::model_chunk:
    case MessageType::update_chunk:
      return limits::kSmallMessageBytesMax;
  }
  return 0;
}

Error Malformed(std::string what) { return {Reason::malformed_message, std::move(what)}; }

}  // namespace

JobPrefix JobPrefixOf(const Sha256Digest& job_digest) {
  JobPrefix prefix;
  std::copy_n(job_digest.begin(), prefix.size(), prefix.begin());
  return prefix;
}

std::size_t BodyBytesMax(MessageType type) { return CapOf(static_cast<std::uint16_t>(type)); }

void WriteHeader(const ParsedHeader& parsed, MutableByteSpan out) {
  MUSTER_CHECK(out.size() == limits::kHeaderBytes, "a header has a fixed size");
  std::ranges::fill(out, std::byte{0});
  StoreLittle(out, kMagicAt, kMagic);
  StoreLittle(out, kFormatAt, kHeaderFormat);
  StoreLittle(out, kTypeAt, static_cast<std::uint16_t>(parsed.type));
  StoreLittle(out, kLineageAt, parsed.header.fence.lineage);
  StoreLittle(out, kJobAt, parsed.header.job);
  StoreLittle(out, kEpochNumberAt, parsed.header.fence.epoch.number);
  StoreLittle(out, kEpochNonceAt, parsed.header.fence.epoch.nonce);
  StoreLittle(out, kSequenceAt, parsed.header.sequence);
  StoreLittle(out, kBodyBytesAt, parsed.body_bytes);
}

Result<ParsedHeader> ParseHeader(ByteSpan frame) {
  if (frame.size() < limits::kHeaderBytes) {
    return Malformed("a frame of " + std::to_string(frame.size()) + " bytes has no whole header");
  }
  if (LoadLittle<std::uint32_t>(frame, kMagicAt) != kMagic) {
    return Malformed("the frame does not begin with the protocol's magic");
  }
  const auto format = LoadLittle<std::uint16_t>(frame, kFormatAt);
  if (format != kHeaderFormat) {
    return Error{Reason::protocol_unsupported, "header format " + std::to_string(format) +
                                                   " came, this build speaks " +
                                                   std::to_string(kHeaderFormat)};
  }
  const auto number = LoadLittle<std::uint16_t>(frame, kTypeAt);
  const std::size_t cap = CapOf(number);
  if (cap == 0) return Malformed("no message has type number " + std::to_string(number));
  if (LoadLittle<std::uint32_t>(frame, kFlagsAt) != 0) {
    return Error{Reason::protocol_unsupported, "the header has a flag that this build knows not"};
  }
  const auto reserved = frame.subspan(kReservedAt, limits::kHeaderBytes - kReservedAt);
  if (!std::ranges::all_of(reserved, [](std::byte b) { return b == std::byte{0}; })) {
    return Malformed("the header's reserved bytes are not zero");
  }
  ParsedHeader parsed;
  parsed.type = static_cast<MessageType>(number);
  parsed.header.fence.lineage = LoadLittle<std::uint32_t>(frame, kLineageAt);
  parsed.header.job = LoadLittle<JobPrefix>(frame, kJobAt);
  parsed.header.fence.epoch.number = LoadLittle<std::uint64_t>(frame, kEpochNumberAt);
  parsed.header.fence.epoch.nonce = LoadLittle<std::uint64_t>(frame, kEpochNonceAt);
  parsed.header.sequence = LoadLittle<std::uint64_t>(frame, kSequenceAt);
  parsed.body_bytes = LoadLittle<std::uint32_t>(frame, kBodyBytesAt);
  if (parsed.body_bytes > cap) {
    return Error{Reason::too_large, "the body claims " + std::to_string(parsed.body_bytes) +
                                        " bytes, its type may have " + std::to_string(cap)};
  }
  if (parsed.body_bytes != frame.size() - limits::kHeaderBytes) {
    return Malformed("the body claims " + std::to_string(parsed.body_bytes) + " bytes, " +
                     std::to_string(frame.size() - limits::kHeaderBytes) + " came");
  }
  return parsed;
}

}  // namespace muster
