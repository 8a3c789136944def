// What every command prints with.
#pragma once

#include <string>
#include <string_view>

#include "common/error.h"
#include "common/run_outcome.h"

namespace muster::cli {

enum class Format : std::uint8_t { text, json };

/// Writes to standard output at once. The first time that fails is told on standard error.
void Print(std::string_view text);

/// True once something could not be printed: whoever reads the output misses it.
bool OutputFailed();

/// Says the error and returns the exit code for it. text: on standard error; json: on standard
/// output, as the event `failed` (run_event.h).
int Fail(const Error& error, Format format);

/// Says how a serving process ended; returns the exit code for it. text: bad ends go to standard
/// error; json: the event `ended` on standard output, bad ends included.
int Report(const std::string& who, const RunOutcome& outcome, Format format);

bool OutputIsTerminal();

}  // namespace muster::cli
