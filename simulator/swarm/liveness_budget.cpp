#include "simulator/swarm/liveness_budget.h"

#include <algorithm>

namespace muster::simulator {
namespace {

/// A participant whose bytes stopped coming keeps a place for so long.
constexpr std::uint64_t kStallMs = 10'000;
/// The measured part: that more attempts fail one after the other is rarer than can be seen.
constexpr std::uint64_t kSpareAttempts = 3;

}  // namespace

// Two attempts bring it in any case: one that was under way, and one of the core alone. Each one
// between may hold one more who delivers nothing.
Micros CommitBudget(const SwarmOptions& options) {
  const std::uint64_t workers = std::min(options.parts, options.participants);
  const std::uint64_t harmful = options.stalled + options.hostile;
  const std::uint64_t attempts =
      2 + std::min(workers - options.quorum, std::max(kSpareAttempts, harmful));
  const std::uint64_t attempt_ms =
      options.deadline_ms + std::max(kStallMs, options.lease_ms) + options.lease_ms;
  // Of elastic data the core does all blocks of a round, one after another.
  const std::uint64_t turns = options.blocks > 0 ? 1 + options.goal / options.quorum : 1;
  return static_cast<Micros>(turns * attempts * attempt_ms) * kMillisecond;
}

LivenessClock::LivenessClock(const SwarmOptions& options, Version commits, Micros now)
    : rounds_(options.rounds),
      commit_budget_(CommitBudget(options)),
      began_(now),
      budget_(kHealingBudget + (commits < rounds_ ? commit_budget_ : kGoodbyeBudget)) {}

void LivenessClock::OnCommit(Version version, Micros now) {
  Close(now);
  began_ = now;
  budget_ = version < rounds_ ? commit_budget_ : kGoodbyeBudget;
}

void LivenessClock::Close(Micros now) {
  const auto used = static_cast<std::uint64_t>((now - began_) * 1'000 / budget_);
  used_permille_ = std::max(used_permille_, used);
}

}  // namespace muster::simulator
