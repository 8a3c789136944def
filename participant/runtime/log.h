// The participants' log: one logfmt line a fact on stderr.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/logfmt.h"

namespace muster::participant {

enum class LogLevel : std::uint8_t { info, warn, error };

/// Writes "time level message key=value ..." with one write(); never fails. Thread-safe.
/// REQUIRES: `message` has no "=".
void Log(LogLevel level, std::string_view message, LogFields fields);

}  // namespace muster::participant
