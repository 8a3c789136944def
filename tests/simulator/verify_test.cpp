// What a verification of a stored state sees, and that a replay reproduces every digest.
#include "checkpoint/verify.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "coordinator/runtime/replay.h"
#include "simulator/disk/file_system.h"
#include "simulator/federation/federation.h"
#include "tests/simulator/small_setup.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

constexpr Round kRounds = 3;
constexpr Micros kPatience = 3'600'000 * kMillisecond;

class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest() {
    CoordinatorSetup setup = SmallSetup(lock_dir_.path(), kRounds);
    setup.job.strategy.server_momentum = 0.5;
    job_ = setup.job;
    federation_ = std::make_unique<Federation>(1, Faults{}, setup);
    const RunResult result = federation_->Run(kPatience);
    EXPECT_TRUE(result.finished) << result.waiting;
    disk_ = federation_->shared_disk();
  }

  std::unique_ptr<CheckpointStore> Open(OpenMode mode) {
    auto store = checkpoint::OpenCheckpointStoreOn(Mount(disk_), lock_dir_.path(), mode);
    EXPECT_TRUE(store.has_value()) << store.error().Text();
    return store ? std::move(*store) : nullptr;
  }
  Result<VerifiedState> Verify() {
    return VerifyState(*Open(OpenMode::read_only), nullptr, [](Version) {});
  }
  Result<coordinator::Replayed> Replay() {
    return coordinator::ReplayVersions(*Open(OpenMode::read_only), job_, {}, [](Version) {});
  }
  /// Writes the record of this version again, changed.
  void Change(Version version, const std::function<void(RoundRecord&)>& change) {
    const auto store = Open(OpenMode::create_or_open);
    RoundRecord record = *store->ReadRoundRecord(version);
    change(record);
    const RoundRecord last = *store->ReadRoundRecord(kRounds);
    Batch batch{{PutRoundRecord{record}}};
    if (version != kRounds) batch.mutations.push_back(PutRoundRecord{last});  // It is head again.
    ASSERT_TRUE(store->Write(batch).has_value());
  }
  void ExpectDamage(const std::string& text) {
    const auto verified = Verify();
    ASSERT_FALSE(verified.has_value());
    EXPECT_EQ(verified.error().reason, Reason::damage);
    EXPECT_NE(verified.error().message.find(text), std::string::npos) << verified.error().message;
  }

  const TempDir lock_dir_;
  JobSpec job_;
  std::unique_ptr<Federation> federation_;
  std::shared_ptr<VirtualDisk> disk_;
};

TEST_F(VerifyTest, AnUntouchedStateIsAsItWasWritten) {
  const auto verified = Verify();
  ASSERT_TRUE(verified.has_value()) << verified.error().Text();
  EXPECT_EQ(verified->records, kRounds + 1);
  EXPECT_EQ(verified->updates, kRounds * 3);
  EXPECT_EQ(verified->held, (std::vector<Version>{0, 1, 2, 3}));
}

TEST_F(VerifyTest, AReplayComputesEveryVersionAgain) {
  const auto replayed = Replay();
  ASSERT_TRUE(replayed.has_value()) << replayed.error().Text();
  EXPECT_EQ(replayed->from, 0U);
  EXPECT_EQ(replayed->to, kRounds);
  EXPECT_EQ(replayed->updates, kRounds * 3);
}

TEST_F(VerifyTest, APrunedStateIsVerifiedAndReplayedFromTheOldestHeldVersion) {
  {
    const auto store = Open(OpenMode::create_or_open);
    ASSERT_TRUE(store->DropVersion(0).has_value());
    ASSERT_TRUE(store->DropVersion(2).has_value());
  }
  const auto verified = Verify();
  ASSERT_TRUE(verified.has_value()) << verified.error().Text();
  EXPECT_EQ(verified->records, kRounds + 1);
  EXPECT_EQ(verified->held, (std::vector<Version>{1, 3}));
  const auto replayed = Replay();
  ASSERT_TRUE(replayed.has_value()) << replayed.error().Text();
  EXPECT_EQ(replayed->from, 1U);
  EXPECT_EQ(replayed->versions, 2U) << "version 2, which is not held, is computed as well";
}

TEST_F(VerifyTest, AReplayComparesTheDigestOfAVersionThatIsNotHeld) {
  {
    const auto store = Open(OpenMode::create_or_open);
    ASSERT_TRUE(store->DropVersion(2).has_value());
  }
  Change(2, [](RoundRecord& record) { record.digest[0] ^= std::byte{1}; });
  const auto replayed = Replay();
  ASSERT_FALSE(replayed.has_value());
  EXPECT_EQ(replayed.error().reason, Reason::replay_differs);
  EXPECT_NE(replayed.error().message.find("version 2 computed again"), std::string::npos);
}

TEST_F(VerifyTest, AnUpdateThatCountsTwiceIsDamage) {
  const RoundRecord first = *Open(OpenMode::read_only)->ReadRoundRecord(1);
  Change(2, [&](RoundRecord& record) { record.accepted = first.accepted; });
  ExpectDamage("l1.r1.s0.t0 counts in two versions");
}

TEST_F(VerifyTest, WeightsThatDoNotAddUpAreDamage) {
  Change(2, [](RoundRecord& record) { ++record.weight_sum; });
  ExpectDamage("the weights in the record of version 2");
}

TEST_F(VerifyTest, AParentOutOfTheChainIsDamage) {
  Change(3, [](RoundRecord& record) { record.parent = 1; });
  ExpectDamage("version 3 names version 1 as its parent");
}

TEST_F(VerifyTest, UpdatesOutOfOrderAreDamage) {
  Change(2, [](RoundRecord& record) { std::swap(record.accepted[0], record.accepted[1]); });
  ExpectDamage("does not list its updates in order");
}

TEST_F(VerifyTest, ARecordOfAnotherDigestThanItsVersionIsDamage) {
  Change(2, [](RoundRecord& record) { record.digest[0] ^= std::byte{1}; });
  ExpectDamage("the manifest of version 2 is not the one that its record names");
}

TEST_F(VerifyTest, AFateThatTheRecordsDoNotKnowIsDamage) {
  const auto store = Open(OpenMode::create_or_open);
  UpdateFate fate = store->recovered().fates.front();
  fate.version = 1;
  ASSERT_TRUE(store->Write({{PutFate{fate}}}).has_value());
  ExpectDamage("the fate of l1.r3.s0.t0");
}

TEST_F(VerifyTest, AFlippedBitInAnyVersionIsDamage) {
  int flipped = 0;
  for (const auto& [path, bytes] : disk_->Files()) {
    // Versions are the files of one chunk of this model's size.
    if (!path.ends_with(".sst") || bytes < 70'000) continue;
    disk_->FlipBit(path, 8 * 30'000);
    // Head's first chunk is looked at by the open already.
    auto store =
        checkpoint::OpenCheckpointStoreOn(Mount(disk_), lock_dir_.path(), OpenMode::read_only);
    const auto verified = store ? VerifyState(**store, nullptr, [](Version) {})
                                : Result<VerifiedState>(store.error());
    ASSERT_FALSE(verified.has_value()) << path;
    EXPECT_EQ(verified.error().reason, Reason::damage) << verified.error().Text();
    disk_->FlipBit(path, 8 * 30'000);
    ++flipped;
  }
  EXPECT_EQ(flipped, static_cast<int>(kRounds) + 1);
  EXPECT_TRUE(Verify().has_value());
}

TEST_F(VerifyTest, AReplaySeesAnUpdateThatNobodyTrains) {
  Change(2, [](RoundRecord& record) { record.accepted[1].digest[3] ^= std::byte{4}; });
  const auto replayed = Replay();
  ASSERT_FALSE(replayed.has_value());
  EXPECT_EQ(replayed.error().reason, Reason::replay_differs);
  EXPECT_NE(replayed.error().message.find("l1.r2.s1.t0"), std::string::npos);
  EXPECT_NE(replayed.error().message.find("What is stored is whole"), std::string::npos);
}

TEST_F(VerifyTest, AReplaySeesAnotherWeight) {
  Change(2, [](RoundRecord& record) {
    ++record.accepted[1].weight;
    ++record.weight_sum;
  });
  const auto replayed = Replay();
  ASSERT_FALSE(replayed.has_value());
  EXPECT_NE(replayed.error().message.find("version 2 computed again"), std::string::npos)
      << replayed.error().message;
}

}  // namespace
}  // namespace muster::simulator
