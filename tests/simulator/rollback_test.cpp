// Going back by going on: the old content becomes a new version, and nothing else is lost.
#include "coordinator/runtime/rollback.h"

#include <gmock/gmock.h>

#include <string>

#include "checkpoint/copy_version.h"
#include "coordinator/runtime/reproducible.h"
#include "tests/simulator/stored_run.h"

namespace muster::simulator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RollbackTest : public ::testing::Test {
 protected:
  explicit RollbackTest(StoredRun::End end = StoredRun::End::finished) : run_(end) {}

  Result<coordinator::RolledBack> RollBack(Version version) {
    const auto store = run_.Open(OpenMode::create_or_open);
    const auto spool = run_.OpenSpool();
    return coordinator::RollBack(*store, *spool, version);
  }
  Error Refusal(Version version) {
    const auto done = RollBack(version);
    EXPECT_FALSE(done.has_value());
    EXPECT_EQ(run_.Open(OpenMode::read_only)->recovered().head->version, StoredRun::kRounds);
    return done ? Error{} : done.error();
  }

  StoredRun run_;
};

TEST_F(RollbackTest, TheOldContentIsANewVersionOfTheSameLineage) {
  const auto done = RollBack(2);
  ASSERT_TRUE(done.has_value()) << done.error().Text();
  EXPECT_EQ(done->record.version, 6U);
  EXPECT_FALSE(done->head_stored);
  const auto store = run_.Open(OpenMode::read_only);
  EXPECT_EQ(store->recovered().head->version, 6U);
  EXPECT_EQ(store->recovered().head->digest, store->ReadManifest(2)->digest);
  EXPECT_THAT(store->recovered().lineages, SizeIs(1));
  EXPECT_THAT(store->HeldVersions(), ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST_F(RollbackTest, SkippedExamplesAreSaid) {
  const auto whole = RollBack(2);
  ASSERT_TRUE(whole.has_value()) << whole.error().Text();
  EXPECT_THAT(whole->costs, IsEmpty());
  run_.StoreStepsJob();
  const auto done = RollBack(4);
  ASSERT_TRUE(done.has_value()) << done.error().Text();
  EXPECT_THAT(done->costs, ElementsAre(HasSubstr("the examples of the rounds 5 to 7 count in no")));
}

TEST_F(RollbackTest, VerifyAndReplayUnderstandIt) {
  ASSERT_TRUE(RollBack(2).has_value());
  ASSERT_TRUE(RollBack(4).has_value());
  const auto verified = run_.Verify();
  ASSERT_TRUE(verified.has_value()) << verified.error().Text();
  EXPECT_EQ(verified->records, 8U);
  const auto replayed = run_.Replay();
  ASSERT_TRUE(replayed.has_value()) << replayed.error().Text();
  EXPECT_EQ(replayed->to, 7U);
  EXPECT_EQ(replayed->versions, 7U);
}

TEST_F(RollbackTest, ARunWithItIsNotReproducible) {
  ASSERT_TRUE(RollBack(2).has_value());
  const auto store = run_.Open(OpenMode::read_only);
  const RecoveredState& state = store->recovered();
  const auto verdict =
      coordinator::JudgeReproducibility(*store, run_.job(), true, state.lineages, state.roster);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_FALSE(verdict->reproducible);
  ASSERT_EQ(verdict->cause_count, 1U);
  EXPECT_EQ(verdict->causes[0].cause, Reason::lineage_forked);
  EXPECT_EQ(verdict->causes[0].round, 6U);
}

TEST_F(RollbackTest, TheOpenRoundEndsAndItsUpdatesLearnOfIt) {
  const std::vector<AcceptedUpdate> updates = run_.OpenRoundWithUpdates();
  const auto done = RollBack(5 - 1);
  ASSERT_TRUE(done.has_value()) << done.error().Text();
  EXPECT_EQ(done->dropped_updates, updates.size());
  const auto store = run_.Open(OpenMode::read_only);
  EXPECT_FALSE(store->recovered().open_round.has_value());
  for (const UpdateFate& fate : store->recovered().fates) {
    if (fate.id.round != 6) continue;
    EXPECT_EQ(fate.reason, Reason::round_closed);
  }
  EXPECT_TRUE(run_.Verify().has_value());
}

TEST_F(RollbackTest, HeadUnknownAndFutureVersionsAreRefused) {
  EXPECT_THAT(Refusal(5).message, HasSubstr("version 5 is the newest already"));
  EXPECT_EQ(Refusal(5).reason, Reason::flag_invalid);
  EXPECT_EQ(Refusal(6).reason, Reason::not_found);
}

TEST_F(RollbackTest, AVersionThatIsNotHeldIsRefused) {
  ASSERT_TRUE(run_.Open(OpenMode::create_or_open)->DropVersion(3).has_value());
  const Error error = Refusal(3);
  EXPECT_EQ(error.reason, Reason::not_found);
  EXPECT_THAT(error.message, HasSubstr("not held any more"));
}

TEST_F(RollbackTest, ADamagedVersionIsRefused) {
  run_.Flip(run_.FileOf(3), 30'000);
  EXPECT_EQ(Refusal(3).reason, Reason::damage);
  EXPECT_THAT(run_.Open(OpenMode::read_only)->HeldVersions(), SizeIs(6));
}

TEST_F(RollbackTest, AReplayOfACopyWhoseSourceIsGoneReadsTheCopy) {
  ASSERT_TRUE(RollBack(2).has_value());
  {
    const auto store = run_.Open(OpenMode::create_or_open);
    for (Version version = 0; version <= 4; ++version) {
      ASSERT_TRUE(store->DropVersion(version).has_value());
    }
  }
  const auto replayed = run_.Replay();
  ASSERT_TRUE(replayed.has_value()) << replayed.error().Text();
  EXPECT_EQ(replayed->from, 5U);
  EXPECT_EQ(replayed->to, 6U);
}

TEST_F(RollbackTest, ACopyWithAnotherDigestIsDamage) {
  ASSERT_TRUE(RollBack(2).has_value());
  {
    const auto store = run_.Open(OpenMode::create_or_open);
    RoundRecord forged = *store->ReadRoundRecord(6);
    forged.parent = 1;
    ASSERT_TRUE(store->Write({{PutRoundRecord{forged}}}).has_value());
  }
  const auto verified = run_.Verify();
  ASSERT_FALSE(verified.has_value());
  EXPECT_THAT(verified.error().message, HasSubstr("version 6 is a copy of version 1"));
  EXPECT_EQ(run_.Replay().error().reason, Reason::damage);
}

/// At each operation of it the power goes, what was not synced by draw: then head is the old one or
/// the copy, and nothing is damaged.
TEST_F(RollbackTest, DyingInItLeavesTheOldHeadOrTheNewOne) {
  run_.OpenRoundWithUpdates();
  const std::shared_ptr<VirtualDisk> before = run_.CloneDisk();
  int old_heads = 0;
  int new_heads = 0;
  bool reached = true;
  for (std::uint64_t at = 1; reached; ++at) {
    SCOPED_TRACE("operation " + std::to_string(at));
    run_.SetDisk(before);
    run_.SetDisk(run_.CloneDisk());
    run_.disk().SetUnsynced(at % 2 == 0 ? Unsynced::lost : Unsynced::mixed);
    const std::uint64_t from = run_.disk().operation_count();
    reached = false;
    run_.disk().SetPlan([&](const PlannedOperation& planned) {
      if (planned.number != from + at) return Verdict::done;
      reached = true;
      return at % 3 == 0 ? Verdict::cut_after : Verdict::cut_torn;
    });
    {
      // Any of these opens may be what dies.
      auto store = checkpoint::OpenCheckpointStoreOn(run_.Mounted(), run_.state_dir(),
                                                     OpenMode::create_or_open);
      auto spool = checkpoint::OpenSpoolOn(run_.Mounted(), run_.state_dir());
      if (store && spool) (void)coordinator::RollBack(**store, **spool, 2).has_value();
    }
    run_.disk().SetPlan({});
    run_.disk().Restart();
    const auto verified = run_.Verify();
    ASSERT_TRUE(verified.has_value()) << verified.error().Text();
    const auto store = run_.Open(OpenMode::create_or_open);
    const RecoveredState& state = store->recovered();
    if (state.head->version == 5) {
      ++old_heads;
      EXPECT_THAT(state.accepted, SizeIs(2));
    } else {
      ++new_heads;
      EXPECT_EQ(state.head->version, 6U);
      EXPECT_THAT(state.accepted, IsEmpty());
    }
  }
  EXPECT_GT(old_heads, 20);
  EXPECT_GT(new_heads, 1);
}

class UnstoredRollbackTest : public RollbackTest {
 protected:
  UnstoredRollbackTest() : RollbackTest(StoredRun::End::unstored) {}
};

TEST_F(UnstoredRollbackTest, AnUnstoredHeadIsStoredFirst) {
  const auto done = RollBack(1);
  ASSERT_TRUE(done.has_value()) << done.error().Text();
  EXPECT_TRUE(done->head_stored);
  const auto store = run_.Open(OpenMode::read_only);
  EXPECT_THAT(store->HeldVersions(), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(store->recovered().unstored, IsEmpty());
  EXPECT_TRUE(run_.Verify().has_value());
}

}  // namespace
}  // namespace muster::simulator
