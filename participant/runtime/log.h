// The participants' log: one logfmt line a fact on stderr.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace muster::participant {

enum class LogLevel : std::uint8_t { info, warn, error };
using LogFields = std::initializer_list<std::pair<std::string_view, std::string>>;

/// Writes "time level message key=value ..." with one write(); never fails. Thread-safe.
/// REQUIRES: `message` has no "=".
void Log(LogLevel level, std::string_view message, LogFields fields);

/// "message key=value ...": values that are not plain words are quoted, control characters escaped,
/// so that a line stays one line whatever a peer sends.
std::string LogfmtLine(std::string_view message, LogFields fields);

}  // namespace muster::participant
