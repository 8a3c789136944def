// Bytes that claim to be a message: an error that says why, or a message that survives being sent
// on. The first two bytes are the size of the raw payload beside it.
#include "protocol/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace muster;
  if (size < 2) return 0;
  const std::size_t payload_bytes = data[0] | static_cast<std::size_t>(data[1]) << 8;
  const ByteSpan frame(reinterpret_cast<const std::byte*>(data) + 2, size - 2);
  const auto decoded = DecodeMessage(frame, payload_bytes);
  if (!decoded) {
    MUSTER_CHECK(!decoded.error().message.empty(), "a refusal says why");
    return 0;
  }
  const Bytes again = EncodeMessage(decoded->header, decoded->message);
  // Seals of a newer peer are left out of a hello: every other message has one encoding.
  const bool is_hello = std::holds_alternative<Hello>(decoded->message);
  MUSTER_CHECK(is_hello || AsText(again) == AsText(frame), "a message has one encoding");
  const auto twice = DecodeMessage(again, payload_bytes);
  MUSTER_CHECK(twice.has_value(), "what was decoded can be sent on");
  MUSTER_CHECK(EncodeMessage(twice->header, twice->message) == again, "and stays as it is");
  return 0;
}
