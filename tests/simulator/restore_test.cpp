// What is restored from the mirror of a real run's state, on a disk that forgets.
#include "checkpoint/restore.h"

#include "checkpoint/copy_version.h"
#include "checkpoint/mirror_files.h"
#include "tests/simulator/mirror_fixture.h"

namespace muster::simulator {
namespace {

using ::testing::HasSubstr;

class RestoreTest : public MirrorFixture {};

TEST_F(RestoreTest, ARestoredStateGoesOnInANewLineage) {
  Sync();
  MakeDir("restored");
  const auto restored = Restore(MirrorDir(), directory_ / "restored");
  ASSERT_TRUE(restored.has_value()) << restored.error().Text();
  EXPECT_EQ(restored->newest, kRounds);
  EXPECT_EQ(restored->copy.version, kRounds + 1);
  ExpectWhole(directory_ / "restored", kRounds + 1);
  const auto store = Open(directory_ / "restored", OpenMode::create_or_open);
  const RecoveredState& state = store->recovered();
  ASSERT_EQ(state.lineages.size(), 2U);
  EXPECT_EQ(state.lineages.back().fork_version, kRounds);
  EXPECT_EQ(state.lineages.back().id.nonce, 4711U);
  EXPECT_EQ(state.last_record->digest, OpenMirror()->recovered().last_record->digest);
  EXPECT_TRUE(CheckMirror(*store, *OpenMirror()).has_value()) << "the mirror serves it, too";
}

TEST_F(RestoreTest, NumbersThatWereAnnouncedAreNotUsedAgain) {
  Sync();
  ASSERT_TRUE(NoteAnnounced(MirrorDir(), {kRounds + 6, 1}).has_value());
  MakeDir("restored");
  const auto restored = Restore(MirrorDir(), directory_ / "restored");
  ASSERT_TRUE(restored.has_value()) << restored.error().Text();
  EXPECT_EQ(restored->announced, kRounds + 6);
  EXPECT_EQ(restored->copy.version, kRounds + 7);
  ExpectWhole(directory_ / "restored", kRounds + 7);
}

TEST_F(RestoreTest, NumbersWhoseRecordsTheMirrorsLogLostAreNotUsedAgain) {
  constexpr Version kOlder = 2;
  ASSERT_TRUE(SyncMirror(*Older(kOlder), *OpenMirror(), kKeepAll, kGoOn).has_value());
  Sync();
  std::string log;
  for (const auto& [path, bytes] : disk_->Files()) {
    if (path.starts_with(MirrorDir() + "/db/") && path.ends_with(".log")) log = path;
  }
  disk_->FlipBit(log, 8 * 100);
  MakeDir("restored");
  const auto restored = Restore(MirrorDir(), directory_ / "restored");
  ASSERT_TRUE(restored.has_value()) << restored.error().Text();
  EXPECT_EQ(restored->damage.size(), 1U);
  EXPECT_EQ(restored->newest, kOlder);
  EXPECT_EQ(restored->known, kRounds);
  EXPECT_EQ(restored->copy.version, kRounds + 1);
  ExpectWhole(directory_ / "restored", kRounds + 1);
}

TEST_F(RestoreTest, ALineageThatWasAnnouncedIsNotBegunAgain) {
  Sync();
  MakeDir("first");
  MakeDir("second");
  const auto first = Restore(MirrorDir(), directory_ / "first");
  ASSERT_TRUE(first.has_value()) << first.error().Text();
  EXPECT_EQ(first->copy.lineage, kRestoreLineageStep) << "far above what it may not know of";
  // The first one accepted losses later, and only its notes came through.
  ASSERT_TRUE(NoteAnnounced(MirrorDir(), {kRounds + 6, kRestoreLineageStep + 2}).has_value());
  const auto second = Restore(MirrorDir(), directory_ / "second");
  ASSERT_TRUE(second.has_value()) << second.error().Text();
  EXPECT_EQ(second->copy.lineage, 2 * kRestoreLineageStep);
  ExpectWhole(directory_ / "second", kRounds + 7);
}

TEST_F(RestoreTest, ARestoreSaysWhenNoNumberIsLeftForItsLineage) {
  Sync();
  MakeDir("restored");
  ASSERT_TRUE(NoteAnnounced(MirrorDir(), {kRounds, UINT32_MAX}).has_value());
  EXPECT_EQ(Restore(MirrorDir(), directory_ / "restored").error().reason, Reason::unsupported);
}

TEST_F(RestoreTest, ARestoreLeavesADamagedOldVersionOut) {
  Sync();
  constexpr Version kDamaged = 1;
  DamageVersion(MirrorDir(), kDamaged);
  MakeDir("restored");
  const auto restored = Restore(MirrorDir(), directory_ / "restored");
  ASSERT_TRUE(restored.has_value()) << restored.error().Text();
  EXPECT_EQ(restored->newest, kRounds);
  EXPECT_EQ(restored->held, kRounds);
  ASSERT_EQ(restored->damaged.size(), 1U);
  EXPECT_THAT(restored->damaged.at(kDamaged), HasSubstr("version " + std::to_string(kDamaged)));
  ExpectWhole(directory_ / "restored", kRounds + 1);
}

TEST_F(RestoreTest, ARestoreGoesOnFromTheNewestWholeVersionAndUsesNoNumberAgain) {
  Sync();
  DamageVersion(MirrorDir(), kRounds);
  MakeDir("restored");
  const auto restored = Restore(MirrorDir(), directory_ / "restored");
  ASSERT_TRUE(restored.has_value()) << restored.error().Text();
  EXPECT_EQ(restored->newest, kRounds - 1);
  EXPECT_EQ(restored->copy.parent, kRounds - 1);
  EXPECT_EQ(restored->copy.version, kRounds + 1);
  EXPECT_TRUE(restored->damaged.contains(kRounds));
  ExpectWhole(directory_ / "restored", kRounds + 1);
}

TEST_F(RestoreTest, ALineageWhoseVersionsAreAllDamagedIsAnAncestorStill) {
  {
    const auto primary = OpenPrimary();
    const LineageRecord next = NextLineage(primary->recovered().lineages, kRounds, 99);
    ASSERT_TRUE(CommitCopy(*primary, {kRounds, next, 0}).has_value());
  }
  Sync();
  DamageVersion(MirrorDir(), kRounds + 1);
  MakeDir("restored");
  const auto restored = Restore(MirrorDir(), directory_ / "restored");
  ASSERT_TRUE(restored.has_value()) << restored.error().Text();
  ExpectWhole(directory_ / "restored", kRounds + 2);
  const auto store = Open(directory_ / "restored", OpenMode::read_only);
  const auto& lineages = store->recovered().lineages;
  ASSERT_EQ(lineages.size(), 3U);
  EXPECT_EQ(lineages[1].id, (LineageId{2, 99}));
  EXPECT_EQ(lineages[2].parent_number, 2U);
}

TEST_F(RestoreTest, ARestoreOfAMirrorWithoutAWholeVersionIsRefusedAndSaysWhatHelps) {
  Sync({1, 0});
  DamageVersion(MirrorDir(), kRounds);
  MakeDir("restored");
  const auto refused = Restore(MirrorDir(), directory_ / "restored");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, Reason::damage);
  EXPECT_THAT(refused.error().message, HasSubstr("no version in " + MirrorDir() + " is whole"));
  EXPECT_THAT(refused.error().message, HasSubstr("another mirror or a backup"));
  EXPECT_FALSE(disk_->Files().contains(directory_ / "restored/FORMAT"));
}

TEST_F(RestoreTest, ARestoreOverwritesNoState) {
  Sync();
  const auto refused = Restore(MirrorDir(), PrimaryDir());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, Reason::already_exists) << refused.error().Text();
  EXPECT_THAT(refused.error().message, HasSubstr("Move the state away"));
  ExpectWhole(PrimaryDir(), kRounds);
}

TEST_F(RestoreTest, ARestoreOfAMirrorInUseOrOfNoneIsRefused) {
  MakeDir("restored");
  MakeDir("empty");
  EXPECT_EQ(Restore(directory_ / "empty", directory_ / "restored").error().reason,
            Reason::not_found);
  Sync();
  const auto mirror = OpenMirror();
  EXPECT_EQ(Restore(MirrorDir(), directory_ / "restored").error().reason, Reason::state_in_use);
}

/// In shards, so that each is short under sanitizers as well.
class RestoreCrashTest : public MirrorFixture, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Shard, RestoreCrashTest, ::testing::Range(1, kShards + 1));

TEST_P(RestoreCrashTest, ACrashAtAnyOperationOfARestoreLeavesNothingOrAllOrWhatAStartRefuses) {
  Sync({1, 0});
  const auto path_of = [this](int point) {
    return directory_ / ("restored-" + std::to_string(point));
  };
  int refused = 0;
  const int end = CutAtOperations(
      *disk_, GetParam(), [this](int point) { MakeDir("restored-" + std::to_string(point)); },
      [&](int point) { (void)Restore(MirrorDir(), path_of(point)).has_value(); },
      [&](int point) {
        const std::string path = path_of(point);
        const auto looked = TryOpen(path, OpenMode::read_only);
        if (!looked) {
          const Reason reason = looked.error().reason;
          EXPECT_TRUE(reason == Reason::not_found || reason == Reason::restore_unfinished)
              << point << ": " << looked.error().Text();
          if (reason == Reason::restore_unfinished) {
            ++refused;
            EXPECT_EQ(TryOpen(path, OpenMode::create_or_open).error().reason, reason);
          }
          const auto restored = Restore(MirrorDir(), path);
          ASSERT_TRUE(restored.has_value()) << point << ": " << restored.error().Text();
        }
        ExpectWhole(path, kRounds + 1);
      });
  EXPECT_GT(end, 60);
  EXPECT_GT(refused, 8);
}

}  // namespace
}  // namespace muster::simulator
