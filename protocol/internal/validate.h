// What a message that was read must also obey: names, sizes, ranges.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/error.h"
#include "protocol/messages.h"

namespace muster {

/// Checks every field against limits.h, and `payload_bytes`, the raw bytes beside the message,
/// against what the message says of them. Errors: malformed_message, too_large,
/// protocol_unsupported; the text names the message and the field.
Status ValidateMessage(const Message& message, std::size_t payload_bytes);

/// True for a character that a refusal's text may have: printable ASCII. What peers say ends in
/// terminals and logs.
constexpr bool IsTextCharacter(char c) { return c >= 0x20 && c <= 0x7e; }

}  // namespace muster
