#include "simulator/crash/scenario.h"

#include <utility>

#include "simulator/federation/synthetic_setup.h"

namespace muster::simulator {
namespace {

constexpr std::uint32_t kParticipants = 4;
constexpr std::uint32_t kQuorum = 3;
constexpr std::uint64_t kParameters = 9'000;  ///< Longer than a tile of the fold and a sector.
constexpr std::int64_t kDeadlineMs = 60'000;
constexpr Micros kPatience = 24LL * 3'600'000 * kMillisecond;

/// Member 3 is away in round 5, which its deadline closes, and back in round 6.
constexpr RosterIndex kDropper = 3;
constexpr Version kDropAfter = 4;
/// Members 1 and 2 are away in the first attempt of round 12, which stays below its quorum.
constexpr Version kShortAfter = 11;
/// SIGTERM and SIGKILL of the coordinator when these versions are committed.
constexpr Version kDrainAfter = 8;
constexpr Version kKillAfter = 15;
/// The database is flushed and merged after every so many versions.
constexpr Version kUpkeepEvery = 6;
/// Most versions are removed on the way.
constexpr std::uint64_t kKeepLast = 2;
constexpr std::uint64_t kKeepEvery = 7;

CoordinatorSetup MakeSetup(std::string state_dir, const StateKey& key, checkpoint::Upkeep upkeep) {
  CoordinatorSetup setup = SyntheticSetup(kParticipants, kParameters, kScenarioRounds);
  setup.job.seed = 1;
  setup.job.round.quorum = kQuorum;
  setup.job.strategy.server_momentum = 0.5;
  setup.options.deadline_ms = kDeadlineMs;
  setup.options.lease_ms = 2'000;
  setup.options.retention = {kKeepLast, kKeepEvery};
  setup.state_dir = std::move(state_dir);
  setup.state_key = key;
  setup.upkeep = upkeep;
  return setup;
}

}  // namespace

Scenario::Scenario(std::string state_dir, const StateKey& key, checkpoint::Upkeep upkeep)
    : federation_(
          std::make_unique<Federation>(1, Faults{}, MakeSetup(std::move(state_dir), key, upkeep))),
      upkeep_(upkeep) {
  federation_->observer().on_progress = [this](Version head, Attempt attempt) {
    OnProgress(head, attempt);
  };
}

RunResult Scenario::Run() { return federation_->Run(kPatience); }

void Scenario::OnProgress(Version head, Attempt attempt) {
  const bool short_of_members = head == kShortAfter && attempt == 1;
  federation_->participant(kDropper).KeepAway(head == kDropAfter);
  federation_->participant(1).KeepAway(short_of_members);
  federation_->participant(2).KeepAway(short_of_members);
  // Not in the middle of a step.
  World& world = federation_->world();
  CoordinatorNode& coordinator = federation_->coordinator();
  if (head == kDrainAfter && !std::exchange(drained_, true)) {
    world.At(world.now(), kCoordinator, [&coordinator] { coordinator.Drain(); });
  }
  if (head == kKillAfter && !std::exchange(killed_, true)) {
    world.At(world.now(), kCoordinator,
             [&coordinator] { coordinator.Die(/*machine=*/false, Unsynced::kept); });
  }
  const bool by_hand = upkeep_ == checkpoint::Upkeep::by_hand;
  if (by_hand && head % kUpkeepEvery == 0 && head > upkeep_at_) {
    upkeep_at_ = head;
    world.At(world.now(), kCoordinator, [&coordinator] { coordinator.RunUpkeep(); });
  }
}

}  // namespace muster::simulator
