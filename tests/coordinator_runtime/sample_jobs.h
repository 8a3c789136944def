// Jobs and rosters that the tests of this folder share.
#pragma once

#include <string>
#include <vector>

#include "model/job.h"
#include "protocol/records.h"

namespace muster::testing {

/// Trains in no time: `parts` participants, all needed in every round.
inline JobSpec SyntheticJob(std::uint32_t parts, std::uint64_t parameters = 1000) {
  JobSpec job;
  job.name = "test";
  job.seed = 7;
  job.model.kind = ModelKind::synthetic;
  job.model.hidden = {};
  job.model.parameters = parameters;
  job.data.source = DataSource::none;
  job.data.parts = parts;
  job.round.goal = parts;
  job.round.quorum = parts;
  return job;
}

inline PublicKey KeyNumber(std::uint8_t number) {
  PublicKey key;
  key.bytes.fill(std::byte{number});
  return key;
}

inline std::vector<RosterEntry> RosterOf(std::uint32_t count) {
  std::vector<RosterEntry> roster;
  for (std::uint32_t i = 0; i < count; ++i) {
    roster.push_back(
        {i, "site-" + std::to_string(i), KeyNumber(static_cast<std::uint8_t>(i + 1)), false});
  }
  return roster;
}

}  // namespace muster::testing
