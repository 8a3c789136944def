// The setup that runs without data: participants that train by computing draws.
#pragma once

#include <cstdint>

#include "simulator/federation/federation.h"

namespace muster::simulator {

/// Every round needs all participants. What else a run wants differs from this by assignment.
inline CoordinatorSetup SyntheticSetup(std::uint32_t participants, std::uint64_t parameters,
                                       Round rounds) {
  CoordinatorSetup setup;
  setup.job.model.kind = ModelKind::synthetic;
  setup.job.model.hidden = {};
  setup.job.model.parameters = parameters;
  setup.job.data.source = DataSource::none;
  setup.job.data.parts = participants;
  setup.job.round.goal = participants;
  setup.job.round.quorum = participants;
  setup.options.rounds = rounds;
  setup.roster = MakeRoster(participants);
  return setup;
}

}  // namespace muster::simulator
