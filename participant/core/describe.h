// Events, effects and messages as one line of text each: for transcripts and debug logs.
#pragma once

#include <string>

#include "participant/core/effects.h"
#include "participant/core/events.h"

namespace muster::participant {

/// Digests are cut to 8 hexadecimal digits, incarnations and jobs too. Deterministic.
std::string Describe(const Message& message);
std::string Describe(const Event& event);
std::string Describe(const Effect& effect);
std::string Describe(const DurableState& state);

}  // namespace muster::participant
