// --accept-loss, and what a command says of a damaged state directory.
#pragma once

#include <string>

#include "checkpoint/state_key.h"
#include "cli/commands.h"
#include "common/error.h"

namespace muster::cli {

/// Does what --accept-loss asks for, if it was given (`mirror`: the configured one), and says on
/// standard error what it did: also that nothing is damaged, or that nothing is stored yet. Before
/// anything else opens the state, which is waited for where it is in use (store_wait.h). Errors:
/// those of AcceptLoss (checkpoint/loss.h).
Status AcceptLossIfAsked(const Arguments& arguments, const std::string& state_dir,
                         const StateKey& key, const std::string& mirror);

}  // namespace muster::cli
