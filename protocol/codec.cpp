#include "protocol/codec.h"

#include <algorithm>
#include <array>
#include <exception>
#include <string>
#include <utility>
#include <variant>

#include "common/limits.h"
#include "protocol/internal/message_fields.h"
#include "protocol/internal/validate.h"

namespace muster {
namespace {

constexpr std::size_t kAlternatives = std::variant_size_v<Message>;

/// In the order of the variant's alternatives.
constexpr std::array<MessageType, kAlternatives> kTypes = {
    MessageType::hello,
    MessageType::lease_renew,
    MessageType::offer,
    MessageType::leave,
    MessageType::refuse_coordinator,
    MessageType::welcome,
    MessageType::lease_ack,
    MessageType::task,
    MessageType::grant,
    MessageType::upload_credit,
    MessageType::accepted,
    MessageType::committed,
    MessageType::refused,
    MessageType::job_finished,
    MessageType::bulk_hello,
    MessageType::model_request,
    MessageType::model_chunk,
    MessageType::update_chunk,
};

using Reader = void (*)(SpanInputArchive&, Message&);

template <std::size_t... I>
constexpr std::array<Reader, kAlternatives> MakeReaders(std::index_sequence<I...>) {
  return {[](SpanInputArchive& archive, Message& message) { archive(message.emplace<I>()); }...};
}
constexpr auto kReaders = MakeReaders(std::make_index_sequence<kAlternatives>());

/// The refusal as its receiver will take it.
Refused Presentable(Refused refused) {
  if (refused.text.size() > limits::kRefusalTextBytesMax) {
    refused.text.resize(limits::kRefusalTextBytesMax);
  }
  std::ranges::replace_if(
      refused.text, [](char c) { return !IsTextCharacter(c); }, '?');
  return refused;
}

}  // namespace

Bytes EncodeMessage(const MessageHeader& header, const Message& message) {
  Bytes frame(limits::kHeaderBytes);
  ByteOutputArchive archive(frame);
  if (const auto* refused = std::get_if<Refused>(&message)) {
    archive(Presentable(*refused));
  } else {
    std::visit([&archive](const auto& alternative) { archive(alternative); }, message);
  }
  const ParsedHeader parsed{header, kTypes[message.index()],
                            static_cast<std::uint32_t>(frame.size() - limits::kHeaderBytes)};
  WriteHeader(parsed, MutableByteSpan(frame).first(limits::kHeaderBytes));
  return frame;
}

Result<DecodedMessage> DecodeMessage(ByteSpan frame, std::size_t payload_bytes) {
  Result<ParsedHeader> parsed = ParseHeader(frame);
  if (!parsed.has_value()) return parsed.error();
  DecodedMessage decoded{parsed->header, {}};
  const auto type = std::ranges::find(kTypes, parsed->type);
  MUSTER_CHECK(type != kTypes.end(), "every type of the header has its message");
  const auto index = static_cast<std::size_t>(type - kTypes.begin());
  try {
    SpanInputArchive archive(frame.subspan(limits::kHeaderBytes));
    kReaders[index](archive, decoded.message);
    if (archive.bytes_left() != 0) {
      return Error{Reason::malformed_message, std::string(MessageName(decoded.message)) + ": " +
                                                  std::to_string(archive.bytes_left()) +
                                                  " bytes follow its end"};
    }
  } catch (const std::exception& error) {
    return Error{Reason::malformed_message,
                 std::string(MessageName(decoded.message)) + ": " + error.what()};
  }
  MUSTER_TRY(ValidateMessage(decoded.message, payload_bytes));
  return decoded;
}

}  // namespace muster
