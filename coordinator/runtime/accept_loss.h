// Damage to a coordinator's state directory: what is said of it, and --accept-loss.
#pragma once

#include <string>

#include "checkpoint/loss.h"
#include "checkpoint/state_key.h"
#include "common/error.h"

namespace muster::coordinator {

/// AcceptLoss (checkpoint/loss.h) on a coordinator's directory: the newest announced version is
/// that of its event log or the one noted in `mirror` (a directory; empty: none), whichever is
/// greater, the nonce is drawn, a head that is not stored is computed from its
/// updates. What was lost is told in the event log, as the event loss_accepted. Errors: as
/// AcceptLoss.
Result<Loss> AcceptStoredLoss(const std::string& state_dir, const StateKey& key,
                              const std::string& mirror);

/// An error of reason damage, met in this directory, with what is good, what --accept-loss would do
/// and what else helps; any other error as it is. `mirror`: as of AcceptStoredLoss, where it is
/// known.
Error ExplainDamage(Error error, const std::string& state_dir, const StateKey& key,
                    const std::string& mirror = "");

/// What AcceptStoredLoss did, for people: one line without a newline.
std::string AcceptedText(const Loss& loss);

}  // namespace muster::coordinator
