// The one alphabet of names: participants, jobs. A name may stand in a path, a log and a URL.
#pragma once

#include <algorithm>
#include <string_view>

#include "common/limits.h"

namespace muster {

/// True for 1 to kNameBytesMax characters of [A-Za-z0-9._-], the first of them no dot.
inline bool IsName(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= limits::kNameBytesMax && text.front() != '.' &&
         std::ranges::all_of(text, allowed);
}

}  // namespace muster
