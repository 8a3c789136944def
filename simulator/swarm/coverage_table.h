// Which faults can meet the coordinator in which phases.
#pragma once

#include <string_view>
#include <vector>

#include "simulator/swarm/swarm_options.h"
#include "simulator/world/trace.h"

namespace muster::simulator {

struct EmptyCell {
  FaultKind fault;
  coordinator::Phase phase;
};

/// Why the fault cannot happen in the phase; empty: it can.
std::string_view WhyUnreachable(FaultKind fault, coordinator::Phase phase);

/// The reachable cells that `coverage` has nothing in. Faults are left out that what is fixed rules
/// out, or allows to less than a twentieth of the seeds: by their chance, by who takes part, by the
/// store.
std::vector<EmptyCell> EmptyCells(const Coverage& coverage, const FixedOptions& fixed);

}  // namespace muster::simulator
