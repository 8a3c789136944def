// The custom strategies of this process: names that `strategy.name` may hold besides the built-in
// ones. Whatever reads a job asks here, so that a job of another program's strategy is refused
// wherever it comes from: a file, a peer or a disk. aggregation/strategy_registry.h makes them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "model/job.h"

namespace muster {

/// Whether the strategy can serve a job that is valid in all else. Errors: config_invalid; the
/// message begins with the key at fault, as ValidateJob's do.
using CustomStrategyJudge = std::function<Status(const JobSpec&)>;

/// Adds a name for the life of the process. Thread-safe.
/// Errors: config_invalid (no name that a job may hold, or a word of StrategyKind), already_exists.
Status AddCustomStrategy(const std::string& name, CustomStrategyJudge judge);

/// Thread-safe.
bool HasCustomStrategy(std::string_view name);

/// In the order of the alphabet. Thread-safe.
std::vector<std::string> CustomStrategyNames();

/// Asks the judge of job.strategy.custom. Thread-safe as far as the judge is.
/// Errors: unsupported (this program has no such strategy; the message names the program), and the
/// judge's. REQUIRES: job.strategy.kind is custom.
Status JudgeCustomStrategy(const JobSpec& job);

}  // namespace muster
