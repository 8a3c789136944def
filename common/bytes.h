// Byte spans and little-endian numbers. Every format of ours is little-endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

static_assert(std::endian::native == std::endian::little, "formats are written as memory lies");

using Bytes = std::vector<std::byte>;
using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;

/// Reads a number at `offset`. REQUIRES: offset + sizeof(T) <= bytes.size().
template <typename T>
T LoadLittle(ByteSpan bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

/// Writes a number at `offset`. REQUIRES: offset + sizeof(T) <= bytes.size().
template <typename T>
void StoreLittle(MutableByteSpan bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

inline ByteSpan AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Lower-case hexadecimal text.
std::string Hex(ByteSpan bytes);

}  // namespace muster
