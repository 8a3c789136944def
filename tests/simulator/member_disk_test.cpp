// A participant's directory that fails, training that fails and a bulk socket that is full: each
// really happens, the participant comes back, and the model's digest is that of the undisturbed
// run.
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "common/digest.h"
#include "simulator/federation/federation.h"
#include "simulator/federation/member_disk.h"
#include "simulator/federation/synthetic_setup.h"
#include "simulator/store/model_volume.h"
#include "tests/simulator/seed_count.h"

namespace muster::simulator {
namespace {

constexpr Micros kTwoDays = 48LL * 3'600'000 * kMillisecond;
const std::uint64_t kDiskSeeds = SeedCount("MUSTER_FEDERATION_SEEDS", 40);

RunResult PlayOnBadDisks(std::uint64_t seed, const Faults& faults) {
  CoordinatorSetup setup = SyntheticSetup(4, 300, 24);
  setup.job.strategy.server_momentum = 0.5;
  setup.options.deadline_ms = 1'000'000'000;
  setup.options.lease_ms = 2'000;
  setup.options.evaluate = false;
  Federation federation(World(seed, faults), std::make_shared<ModelVolume>(seed), setup);
  RunResult result = federation.Run(kTwoDays);
  for (const std::string& violation : result.violations) {
    ADD_FAILURE() << "seed " << seed << ": " << violation;
  }
  EXPECT_TRUE(result.finished) << "seed " << seed << " stands still: " << result.waiting;
  return result;
}

class MemberDiskTest : public ::testing::Test {
 protected:
  /// Every seed ends with the digest of the undisturbed run. `seen` is given each run.
  void ExpectNoBitChanged(const Faults& faults, const std::function<void(const Happened&)>& seen) {
    const Sha256Digest quiet = PlayOnBadDisks(1, {}).digest;
    for (std::uint64_t seed = 1; seed <= kDiskSeeds && !HasFailure(); ++seed) {
      const RunResult result = PlayOnBadDisks(seed, faults);
      EXPECT_EQ(result.digest, quiet) << "seed " << seed;
      seen(result.happened);
    }
  }

  World world_{1, {}};
  MemberDisk disk_{world_, ActorOf(0)};
};

participant::DurableState StateWith(const Bytes& update) {
  participant::DurableState state;
  state.job.emplace();
  state.seen.emplace();
  state.retained.emplace();
  state.retained->id = {1, 2, 3, 0};
  state.retained->bytes = update.size();
  state.retained->digest = Xxh128Of(update);
  return state;
}

TEST_F(MemberDiskTest, AFullVolumeOfAParticipantChangesNoBit) {
  std::uint64_t full = 0;
  ExpectNoBitChanged({.chances = {{FaultKind::member_full, 0.05}}},
                     [&](const Happened& happened) { full += happened.member_disks_full; });
  EXPECT_GT(full, kDiskSeeds);
}

TEST_F(MemberDiskTest, FailedWritesOfAParticipantChangeNoBit) {
  Happened sum;
  ExpectNoBitChanged(
      {.chances = {{FaultKind::member_error, 0.05}, {FaultKind::stop, 0.002}}, .deaths_max = 20},
      [&](const Happened& happened) {
        sum.member_disk_errors += happened.member_disk_errors;
        sum.positions_taken_up += happened.positions_taken_up;
      });
  EXPECT_GT(sum.member_disk_errors, kDiskSeeds);
  EXPECT_GT(sum.positions_taken_up, 0U) << "no fit went on where it was stopped";
}

TEST_F(MemberDiskTest, FlippedBitsOfAParticipantChangeNoBitOfTheModel) {
  Happened sum;
  ExpectNoBitChanged(
      {.chances = {{FaultKind::member_rot, 0.2}, {FaultKind::crash, 0.005}}, .deaths_max = 20},
      [&](const Happened& happened) {
        sum.member_rots += happened.member_rots;
        sum.states_refused += happened.states_refused;
        sum.updates_forgotten += happened.updates_forgotten;
      });
  EXPECT_GT(sum.member_rots, kDiskSeeds);
  EXPECT_GT(sum.states_refused, 0U) << "no process met a damaged state";
  EXPECT_GT(sum.updates_forgotten, 0U) << "no process met a damaged update";
}

TEST_F(MemberDiskTest, TrainingThatFailsChangesNoBit) {
  std::uint64_t failed = 0;
  ExpectNoBitChanged({.chances = {{FaultKind::train_fail, 0.1}}},
                     [&](const Happened& happened) { failed += happened.trainings_failed; });
  EXPECT_GT(failed, kDiskSeeds);
}

TEST_F(MemberDiskTest, ABulkSocketThatIsFullChangesNoBit) {
  std::uint64_t backlogs = 0;
  ExpectNoBitChanged({.chances = {{FaultKind::backlog, 0.1}}},
                     [&](const Happened& happened) { backlogs += happened.backlogs; });
  EXPECT_GT(backlogs, kDiskSeeds);
}

TEST_F(MemberDiskTest, AnyFlippedBitOfTheStateIsRefused) {
  const auto update = std::make_shared<const Bytes>(Bytes(16, std::byte{7}));
  const participant::DurableState state = StateWith(*update);
  for (std::uint64_t bit = 0; bit < 156 * 8; ++bit) {
    ASSERT_TRUE(disk_.SaveUpdate(update) && disk_.SaveState(state));
    ASSERT_EQ(disk_.Rot(4 * bit + 2), "state.bin");
    const auto opened = disk_.Open();
    ASSERT_FALSE(opened) << "bit " << bit;
  }
  EXPECT_TRUE(disk_.SaveState(state));
  EXPECT_TRUE(disk_.Open()) << "a state that was written again is sound";
  EXPECT_TRUE(world_.violations().empty());
}

TEST_F(MemberDiskTest, AFlippedUpdateIsForgottenUntilTheStateSaysSo) {
  const auto update = std::make_shared<const Bytes>(Bytes(16, std::byte{7}));
  const participant::DurableState state = StateWith(*update);
  ASSERT_TRUE(disk_.SaveUpdate(update) && disk_.SaveState(state));
  ASSERT_EQ(disk_.Rot(1), "update.bin");
  for (int start = 0; start < 2; ++start) {
    const auto opened = disk_.Open();
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->forgets);
    EXPECT_FALSE(opened->state.retained);
  }
  EXPECT_TRUE(world_.violations().empty());
}

TEST_F(MemberDiskTest, BytesThatNoFaultChangedAreAViolation) {
  const auto update = std::make_shared<const Bytes>(Bytes(16, std::byte{7}));
  const auto other = std::make_shared<const Bytes>(Bytes(16, std::byte{8}));
  ASSERT_TRUE(disk_.SaveUpdate(other) && disk_.SaveState(StateWith(*update)));
  EXPECT_TRUE(disk_.Open());
  EXPECT_EQ(world_.violations().size(), 1U);
}

}  // namespace
}  // namespace muster::simulator
