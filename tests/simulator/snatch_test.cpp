// A machine that is taken with its disk behind the last chunk of an update, and a successor that is
// there before the update is durable.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "simulator/federation/federation.h"
#include "simulator/store/model_volume.h"

namespace muster::simulator {
namespace {

constexpr std::uint32_t kMembers = 4;
constexpr std::uint64_t kRuns = 30;
constexpr Micros kDay = 24LL * 3'600'000 * kMillisecond;

CoordinatorSetup SetupOfMembers() {
  CoordinatorSetup setup;
  setup.job.model.kind = ModelKind::synthetic;
  setup.job.model.hidden = {};
  setup.job.model.parameters = 300;
  setup.job.data.source = DataSource::none;
  setup.job.data.parts = kMembers;
  setup.job.round.goal = kMembers;
  setup.job.round.quorum = kMembers;
  setup.options.rounds = 24;
  setup.options.deadline_ms = 1'000'000'000;
  setup.options.lease_ms = 2'000;
  setup.roster = MakeRoster(kMembers);
  return setup;
}

/// Counts the updates that become durable when a process that holds nothing has already said hello
/// in the name of their sender.
class SuccessorCount : public Watcher {
 public:
  explicit SuccessorCount(std::vector<RosterEntry> roster) : roster_(std::move(roster)) {}

  void OnEvent(const coordinator::Event& event) override {
    const auto* received = std::get_if<coordinator::Received>(&event);
    if (received == nullptr) return;
    const auto who = std::ranges::find(roster_, received->identity, &RosterEntry::key);
    if (who == roster_.end()) return;
    if (const auto* hello = std::get_if<Hello>(&received->message); hello && !hello->retained) {
      empty_handed_.insert(who->index);
    } else if (std::holds_alternative<Offer>(received->message)) {
      empty_handed_.erase(who->index);
    }
  }
  void OnWritten(const Batch& batch) override {
    for (const Mutation& mutation : batch.mutations) {
      const auto* put = std::get_if<PutAccepted>(&mutation);
      if (put != nullptr && empty_handed_.contains(put->update.id.slot)) ++count_;
    }
  }
  std::uint64_t count() const { return count_; }

 private:
  const std::vector<RosterEntry> roster_;
  std::set<RosterIndex> empty_handed_;
  std::uint64_t count_ = 0;
};

TEST(Snatch, TakesTheMachineWhileItsUpdateBecomesDurableAndChangesNoBit) {
  const CoordinatorSetup setup = SetupOfMembers();
  Sha256Digest quiet{};
  std::uint64_t lost = 0, met = 0;
  for (std::uint64_t seed = 0; seed <= kRuns && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Faults faults;
    if (seed > 0) faults.chances[FaultKind::snatch] = 0.1;
    SuccessorCount successors(setup.roster);
    Federation federation(World(seed, faults), std::make_shared<ModelVolume>(seed), setup);
    federation.observer().Add(successors);
    const RunResult result = federation.Run(kDay);
    EXPECT_TRUE(result.finished) << result.waiting;
    EXPECT_TRUE(result.violations.empty()) << result.violations.front();
    if (seed == 0) quiet = result.digest;
    EXPECT_EQ(result.digest, quiet);
    lost += result.happened.machines_lost;
    met += successors.count();
  }
  EXPECT_GT(lost, kRuns);
  EXPECT_GT(met, lost / 20) << "of " << lost;
}

}  // namespace
}  // namespace muster::simulator
