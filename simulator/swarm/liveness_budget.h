// How long the healthy core may take in the liveness phase: from one commit to the next, and from
// the last one to the end of the job.
#pragma once

#include <cstdint>

#include "simulator/swarm/swarm_options.h"
#include "simulator/world/trace.h"

namespace muster::simulator {

/// From one commit to the next: about three times what one commit in a thousand takes, as measured
/// (docs/simulation.md). REQUIRES: CheckOptions passes.
Micros CommitBudget(const SwarmOptions& options);
/// Beside the budget of what comes first: for what was going wrong when the core became healthy,
/// processes that are down, links that nobody knows to be dead, back-offs.
inline constexpr Micros kHealingBudget = 60'000 * kMillisecond;
/// From the last commit to the end of the job: saying goodbye to those who do not answer.
inline constexpr Micros kGoodbyeBudget = 10'000 * kMillisecond;

/// Which part of its budget each step of the liveness phase takes. Each commit begins the next step
/// with a whole budget, so a stall in every round is as visible as one in the last. Not
/// thread-safe.
class LivenessClock {
 public:
  /// The phase begins at `now` with `commits`.
  LivenessClock(const SwarmOptions& options, Version commits, Micros now);

  void OnCommit(Version version, Micros now);
  /// The job is over.
  void OnEnd(Micros now) { Close(now); }

  /// When the present step's budget is over.
  Micros limit() const { return began_ + budget_; }
  /// The greatest part of its budget that one step has taken so far, in thousandths.
  std::uint64_t used_permille() const { return used_permille_; }

 private:
  void Close(Micros now);

  const std::uint64_t rounds_;
  const Micros commit_budget_;
  Micros began_;
  Micros budget_;
  std::uint64_t used_permille_ = 0;
};

}  // namespace muster::simulator
