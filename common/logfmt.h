// Log lines as logfmt: "message key=value ...", for people and for `grep`.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace muster {

using LogFields = std::initializer_list<std::pair<std::string_view, std::string>>;

/// Values, and messages, beyond this are cut: a peer's text cannot fill the disk at once.
inline constexpr std::size_t kLogValueBytesMax = 1024;

/// Values with spaces, quotes, "=" or control characters are quoted and escaped, so that a line
/// stays one line whatever a peer sends. REQUIRES: `message` has no "=".
std::string LogfmtLine(std::string_view message, LogFields fields);

}  // namespace muster
