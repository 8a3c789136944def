// The smallest federation that has a real model: what the tests of a stored state run.
#pragma once

#include <string>

#include "common/ids.h"
#include "simulator/federation/synthetic_setup.h"

namespace muster::simulator {

/// Three participants, all of whom each round needs, and a model of one chunk.
inline CoordinatorSetup SmallSetup(const std::string& state_dir, Round rounds) {
  CoordinatorSetup setup = SyntheticSetup(3, 9'000, rounds);
  setup.state_dir = state_dir;
  return setup;
}

}  // namespace muster::simulator
