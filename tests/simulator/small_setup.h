// The smallest federation that has a real model: what the tests of a stored state run.
#pragma once

#include <cstdint>
#include <string>

#include "common/ids.h"
#include "simulator/federation/federation.h"

namespace muster::simulator {

/// Three participants, all of whom each round needs, and a model of one chunk.
inline CoordinatorSetup SmallSetup(const std::string& state_dir, Round rounds) {
  constexpr std::uint32_t kParticipants = 3;
  CoordinatorSetup setup;
  setup.job.model.kind = ModelKind::synthetic;
  setup.job.model.hidden = {};
  setup.job.model.parameters = 9'000;
  setup.job.data.source = DataSource::none;
  setup.job.data.parts = kParticipants;
  setup.job.round.goal = kParticipants;
  setup.job.round.quorum = kParticipants;
  setup.options.rounds = rounds;
  setup.roster = MakeRoster(kParticipants);
  setup.state_dir = state_dir;
  return setup;
}

}  // namespace muster::simulator
