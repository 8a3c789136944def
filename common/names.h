// The one alphabet of names: participants, jobs. A name may stand in a path, a log and a URL.
#pragma once

#include <algorithm>
#include <string_view>

#include "common/limits.h"

namespace muster {

/// IsName in words.
inline constexpr std::string_view kNameRule =
    "1 to 64 letters, digits, '.', '_' and '-', the first of them a letter or a digit";
static_assert(limits::kNameBytesMax == 64);

/// True for 1 to kNameBytesMax characters of [A-Za-z0-9._-], the first of them a letter or a digit:
/// no hidden file, no flag.
inline bool IsName(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  const auto allowed = [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= limits::kNameBytesMax && plain(text.front()) &&
         std::ranges::all_of(text, allowed);
}

}  // namespace muster
