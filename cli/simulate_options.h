// What the words of `muster simulate` say: which seeds, and what of them is not drawn.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "common/error.h"
#include "simulator/swarm/swarm_options.h"

namespace muster::cli {

/// "7..40", both included. Errors: flag_invalid.
Result<std::pair<std::uint64_t, std::uint64_t>> ParseSeeds(const std::string& text);

/// What --config and --store fix. Errors: config_invalid, naming the line; file_missing and others
/// of ReadFile.
Result<simulator::FixedOptions> ReadFixed(const Arguments& arguments);

/// The words that fixed them, to be said again: " --store rocksdb", or empty.
std::string FixingWords(const Arguments& arguments);

}  // namespace muster::cli
