// The key `strategy.name`: built-in strategies, and those that this program registered.
#pragma once

#include "cli/config_keys.h"

namespace muster::cli {

/// What is registered later is accepted, but not listed.
ConfigKey StrategyNameKey();

}  // namespace muster::cli
