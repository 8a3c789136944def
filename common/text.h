// Small pieces of text that messages are made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

/// "1 attempt", "2 attempts". REQUIRES: the noun's plural is made with an s.
inline std::string Counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace muster
