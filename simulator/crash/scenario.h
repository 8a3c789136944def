// The run that is crashed at every operation: 20 rounds of four participants, in which one member
// drops out and comes back, one attempt stays below its quorum, and the coordinator is restarted.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "simulator/federation/federation.h"

namespace muster::simulator {

inline constexpr Round kScenarioRounds = 20;

/// No crash moves an accepted set here: deadlines are far longer than any way back, and who is away
/// is away until the round is committed. So every run has the digest of the undisturbed one.
class Scenario {
 public:
  /// With a key, on an encrypted state. `upkeep`: by_hand (at fixed versions: equal runs do equal
  /// operations) or eager.
  Scenario(std::string state_dir, const StateKey& key, checkpoint::Upkeep upkeep);

  Federation& federation() { return *federation_; }
  RunResult Run();

 private:
  void OnProgress(Version head, Attempt attempt);

  std::unique_ptr<Federation> federation_;
  const checkpoint::Upkeep upkeep_;
  bool drained_ = false, killed_ = false;
  Version upkeep_at_ = 0;  ///< The last version after which the database was merged.
};

}  // namespace muster::simulator
