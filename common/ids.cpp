#include "common/ids.h"

#include <limits>

#include "common/bytes.h"

namespace muster {
namespace {

// RFC 32/Z85: 4 bytes are one big-endian number written as 5 digits of base 85.
constexpr std::string_view kZ85Digits =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
static_assert(kZ85Digits.size() == 85);

}  // namespace

std::string Hex(ByteSpan bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (std::byte b : bytes) {
    text += kDigits[std::to_integer<std::size_t>(b >> 4)];
    text += kDigits[std::to_integer<std::size_t>(b & std::byte{15})];
  }
  return text;
}

std::string UpdateId::Text() const {
  return "l" + std::to_string(lineage) + ".r" + std::to_string(round) + ".s" +
         std::to_string(slot) + ".t" + std::to_string(task);
}

std::string PublicKey::Z85() const {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 4) {
    std::uint32_t value = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      value = value << 8 | std::to_integer<std::uint32_t>(bytes[i + k]);
    }
    char digits[5];
    for (int k = 4; k >= 0; --k) {
      digits[k] = kZ85Digits[value % 85];
      value /= 85;
    }
    text.append(digits, 5);
  }
  return text;
}

std::optional<PublicKey> PublicKey::FromZ85(std::string_view text) {
  PublicKey key;
  if (text.size() != key.bytes.size() / 4 * 5) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 5) {
    std::uint64_t value = 0;
    for (char c : text.substr(i, 5)) {
      const auto digit = kZ85Digits.find(c);
      if (digit == std::string_view::npos) return std::nullopt;
      value = value * 85 + digit;
    }
    if (value > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    for (std::size_t k = 0; k < 4; ++k) {
      key.bytes[i / 5 * 4 + k] = static_cast<std::byte>(value >> (24 - 8 * k) & 255);
    }
  }
  return key;
}

}  // namespace muster
