// Words of a command line that the parser does not know, told with what was probably meant.
#pragma once

#include <optional>
#include <span>

#include "common/error.h"

namespace CLI {
class App;
}

namespace muster::cli {

/// The first of `words` that should be a command of `program` and is none, or an option that stands
/// before its command; nothing if there is no such word.
std::optional<Error> UnknownCommand(const CLI::App& program, std::span<char* const> words);

/// The first option that the command does not have; nothing if it has all that were given. CLI11
/// itself tells of what is missing first. REQUIRES: `program` has parsed.
std::optional<Error> UnknownOption(const CLI::App& program);

}  // namespace muster::cli
