// The mirror of a real run's state, on a disk that forgets.
#include "checkpoint/mirror.h"

#include <algorithm>

#include "checkpoint/copy_version.h"
#include "checkpoint/mirror_files.h"
#include "coordinator/runtime/replay.h"
#include "tests/simulator/mirror_fixture.h"

namespace muster::simulator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MirrorTest : public MirrorFixture {};

TEST_F(MirrorTest, AMirrorTellsAllThatItsPrimaryDoes) {
  EXPECT_EQ(Sync().versions, kRounds + 1);
  ExpectWhole(MirrorDir(), kRounds);
  const auto primary = OpenPrimary();
  const auto mirror = OpenMirror();
  EXPECT_EQ(mirror->HeldVersions(), primary->HeldVersions());
  const RecoveredState& original = primary->recovered();
  const RecoveredState& copied = mirror->recovered();
  EXPECT_EQ(copied.job->digest, original.job->digest);
  EXPECT_EQ(copied.epoch.epoch, original.epoch.epoch);
  EXPECT_EQ(copied.roster.size(), original.roster.size());
  EXPECT_EQ(copied.evaluations.size(), original.evaluations.size());
  EXPECT_EQ(copied.finish->version, original.finish->version);
  ASSERT_EQ(copied.fates.size(), original.fates.size());
  for (std::size_t i = 0; i < copied.fates.size(); ++i) {
    EXPECT_EQ(copied.fates[i].id, original.fates[i].id);
    EXPECT_EQ(copied.fates[i].version, original.fates[i].version);
  }
  const auto replayed = coordinator::ReplayVersions(*mirror, job_, {}, [](Version) {});
  ASSERT_TRUE(replayed.has_value()) << replayed.error().Text();
  EXPECT_EQ(replayed->versions, kRounds);
}

TEST_F(MirrorTest, SyncingAgainWritesNothing) {
  Sync();
  const auto primary = OpenPrimary();
  const auto mirror = OpenMirror();
  const std::uint64_t before = disk_->written_bytes();
  const auto again = SyncMirror(*primary, *mirror, kKeepAll, kGoOn);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->versions, 0U);
  EXPECT_EQ(again->head, kRounds);
  EXPECT_EQ(disk_->written_bytes(), before);
}

TEST_F(MirrorTest, AMirrorThatWasAwayGetsAllRecordsAndTheVersionsThatAreHeld) {
  {
    const auto primary = OpenPrimary();
    ASSERT_TRUE(primary->DropVersion(0).has_value());
    ASSERT_TRUE(primary->DropVersion(2).has_value());
  }
  Sync();
  const auto mirror = OpenMirror();
  EXPECT_THAT(mirror->HeldVersions(), ElementsAre(1, 3, 4));
  EXPECT_EQ(mirror->ReadRoundRecord(2)->version, 2U);
  const auto verified = VerifyState(*mirror, nullptr, [](Version) {});
  ASSERT_TRUE(verified.has_value()) << verified.error().Text();
  EXPECT_EQ(verified->records, kRounds + 1);
}

TEST_F(MirrorTest, TheMirrorKeepsWhatItsPolicySaysAndWhatThePrimaryLost) {
  Sync();
  {
    const auto primary = OpenPrimary();
    ASSERT_TRUE(primary->DropVersion(3).has_value());
  }
  Sync({3, 0});
  EXPECT_THAT(OpenMirror()->HeldVersions(), ElementsAre(2, 3, 4));
  Sync({1, 2});
  EXPECT_THAT(OpenMirror()->HeldVersions(), ElementsAre(0, 2, 4)) << "0 is wanted again";
}

TEST_F(MirrorTest, WhatTheMirrorWouldDropAgainIsNotCopied) {
  EXPECT_EQ(Sync({2, 0}).versions, 2U);
  EXPECT_THAT(OpenMirror()->HeldVersions(), ElementsAre(3, 4));
  ExpectWhole(MirrorDir(), kRounds);
}

TEST_F(MirrorTest, AnInterruptedCopyHoldsTheNewestVersionAndGoesOn) {
  const auto stopped = SyncMirror(*OpenPrimary(), *OpenMirror(), kKeepAll, EnoughAfter(5));
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().reason, Reason::cancelled);
  ExpectWhole(MirrorDir(), kRounds);
  const auto there = OpenMirror()->HeldVersions();
  EXPECT_THAT(there, ElementsAre(3, 4)) << "two calls a version of one chunk";
  EXPECT_EQ(Sync().versions, kRounds + 1 - there.size());
  EXPECT_THAT(OpenMirror()->HeldVersions(), ElementsAre(0, 1, 2, 3, 4));
  ExpectWhole(MirrorDir(), kRounds);
}

TEST_F(MirrorTest, AnOlderVersionThatThePrimaryRemovesMeanwhileIsLeftOut) {
  const auto primary = OpenPrimary();
  const auto mirror = OpenMirror();
  int calls = 0;
  const auto synced = SyncMirror(*primary, *mirror, kKeepAll, [&]() -> Status {
    // Two calls a version of one chunk: this one is before the chunk of version 2 is read.
    return ++calls == 5 ? primary->DropVersion(2) : Status();
  });
  ASSERT_TRUE(synced.has_value()) << synced.error().Text();
  EXPECT_TRUE(synced->damaged.empty());
  EXPECT_THAT(mirror->HeldVersions(), ElementsAre(0, 1, 3, 4));
  const auto verified = VerifyState(*mirror, nullptr, [](Version) {});
  ASSERT_TRUE(verified.has_value()) << verified.error().Text();
  EXPECT_EQ(verified->records, kRounds + 1);
}

/// Commits a copy of version 1 and removes what was head, as a retention of one version does.
void Overtake(CheckpointStore& primary) {
  const auto state = primary.ReadState();
  ASSERT_TRUE(state.has_value());
  const Version head = state->head->version;
  auto manifest = primary.ReadManifest(1);
  auto writer = primary.BeginVersion(head + 1);
  ASSERT_TRUE(writer.has_value());
  for (std::uint32_t i = 0; i < manifest->chunk_digests.size(); ++i) {
    ASSERT_TRUE((*writer)->Append(*primary.ReadVersionChunk(*manifest, i)).has_value());
  }
  ASSERT_TRUE((*writer)->Finish().has_value());
  RoundRecord record;
  record.round = record.version = manifest->version = head + 1;
  record.parent = 1;
  record.lineage = state->lineages.back().id.number;
  record.digest = manifest->digest;
  ASSERT_TRUE(primary.Write({{PutVersion{*manifest}, PutRoundRecord{record}}}).has_value());
  ASSERT_TRUE(primary.DropVersion(head).has_value());
}

TEST_F(MirrorTest, ACopyThatLosesItsSourceGoesOnWithTheNewest) {
  const auto primary = OpenPrimary();
  const auto mirror = OpenMirror();
  int calls = 0;
  const auto synced = SyncMirror(*primary, *mirror, {1, 0}, [&]() -> Status {
    if (++calls <= 2) Overtake(*primary);
    return {};
  });
  ASSERT_TRUE(synced.has_value()) << synced.error().Text();
  EXPECT_EQ(synced->head, kRounds + 2);
  EXPECT_THAT(mirror->HeldVersions(), ElementsAre(kRounds + 2));
  const auto verified = VerifyState(*mirror, nullptr, [](Version) {});
  EXPECT_TRUE(verified.has_value()) << verified.error().Text();
}

TEST_F(MirrorTest, AMirrorSlowerThanRetentionFailsAndSaysWhatHelps) {
  const auto primary = OpenPrimary();
  const auto mirror = OpenMirror();
  const auto synced = SyncMirror(*primary, *mirror, {1, 0}, [&]() -> Status {
    Overtake(*primary);
    return {};
  });
  ASSERT_FALSE(synced.has_value()) << "nothing was copied";
  EXPECT_EQ(synced.error().reason, Reason::not_held);
  EXPECT_THAT(synced.error().message, HasSubstr("raise checkpoint.keep_last"));
}

TEST_F(MirrorTest, OlderVersionsWaitForANewerOne) {
  const auto primary = OpenPrimary();
  const auto mirror = OpenMirror();
  int calls = 0;
  const auto synced = SyncMirror(*primary, *mirror, kKeepAll, [&]() -> Status {
    if (++calls == 3) Overtake(*primary);  // While version 3 is copied, behind version 4.
    return {};
  });
  ASSERT_TRUE(synced.has_value()) << synced.error().Text();
  EXPECT_FALSE(synced->complete);
  EXPECT_THAT(mirror->HeldVersions(), ElementsAre(3, 4));
  const auto again = SyncMirror(*primary, *mirror, kKeepAll, kGoOn);
  ASSERT_TRUE(again.has_value()) << again.error().Text();
  EXPECT_TRUE(again->complete);
  EXPECT_THAT(mirror->HeldVersions(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST_F(MirrorTest, AMirrorOfAnotherJobOrRunIsRefused) {
  const auto primary = OpenPrimary();
  JobRecord job = *primary->recovered().job;
  LineageRecord lineage = primary->recovered().lineages.front();
  ++lineage.id.nonce;
  const auto other_run = OpenMirror("other-run");
  ASSERT_TRUE(other_run->Write({{PutJob{job}, PutLineage{lineage}}}).has_value());
  const Status of_run = CheckMirror(*primary, *other_run);
  EXPECT_EQ(of_run.error().reason, Reason::wrong_job);
  EXPECT_THAT(of_run.error().message, HasSubstr("another run"));
  job.digest[0] ^= std::byte{1};
  const auto other_job = OpenMirror("other-job");
  ASSERT_TRUE(other_job->Write({{PutJob{job}}}).has_value());
  EXPECT_EQ(CheckMirror(*primary, *other_job).error().reason, Reason::wrong_job);
  EXPECT_EQ(SyncMirror(*primary, *other_job, kKeepAll, kGoOn).error().reason, Reason::wrong_job);
}

TEST_F(MirrorTest, AMirrorThatIsAheadIsRefused) {
  Sync();
  const auto older = Older(2);
  const Status judged = CheckMirror(*older, *OpenMirror());
  ASSERT_FALSE(judged.has_value());
  EXPECT_EQ(judged.error().reason, Reason::mirror_ahead);
  EXPECT_THAT(judged.error().message, HasSubstr("version 4 of lineage 1"));
}

TEST_F(MirrorTest, AVersionThatWasLostAndReplacedIsRefused) {
  Sync();
  const std::string older_dir = directory_ / "older";
  ASSERT_NE(Older(2), nullptr);
  // It goes on in a lineage of its own, over the number of the mirror's head and beyond.
  for (Version head = 0; head <= kRounds;) {
    const auto older = Open(older_dir, OpenMode::create_or_open);
    head = older->recovered().head->version + 1;
    const LineageRecord next =
        NextLineage(older->recovered().lineages, older->recovered().head->version, head);
    ASSERT_TRUE(CommitCopy(*older, {older->recovered().head->version, next, 0}).has_value());
  }
  const Status judged = CheckMirror(*Open(older_dir, OpenMode::read_only), *OpenMirror());
  ASSERT_FALSE(judged.has_value());
  EXPECT_EQ(judged.error().reason, Reason::mirror_ahead);
}

TEST_F(MirrorTest, ANewLineageIsMirroredOntoTheOldOne) {
  Sync();
  {
    const auto primary = OpenPrimary();
    const LineageRecord next = NextLineage(primary->recovered().lineages, 2, 99);
    ASSERT_TRUE(CommitCopy(*primary, {2, next, kRounds + 3}).has_value());
  }
  Sync();
  ExpectWhole(MirrorDir(), kRounds + 4);
  const auto mirror = OpenMirror();
  EXPECT_EQ(mirror->recovered().lineages.size(), 2U);
  EXPECT_FALSE(mirror->recovered().finish.has_value());
}

TEST_F(MirrorTest, AFullMirrorIsAnAnswerAndCatchesUpLater) {
  const auto primary = OpenPrimary();
  const auto mirror = OpenMirror();
  std::uint64_t used = 0;
  for (const auto& [path, bytes] : disk_->Files()) used += bytes;
  disk_->SetCapacity(used + 60'000);
  const auto full = SyncMirror(*primary, *mirror, kKeepAll, kGoOn);
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().reason, Reason::disk_full) << full.error().Text();
  disk_->SetCapacity(UINT64_MAX);
  const auto again = SyncMirror(*primary, *mirror, kKeepAll, kGoOn);
  ASSERT_TRUE(again.has_value()) << again.error().Text();
  EXPECT_EQ(again->head, kRounds);
}

TEST_F(MirrorTest, ADamagedOldVersionIsLeftOutAndToldOfAndTheOthersAreCopied) {
  constexpr Version kDamaged = 1;
  DamageVersion(PrimaryDir(), kDamaged);
  const auto primary = OpenPrimary();
  const auto mirror = OpenMirror();
  const auto synced = SyncMirror(*primary, *mirror, kKeepAll, kGoOn);
  ASSERT_TRUE(synced.has_value()) << synced.error().Text();
  EXPECT_EQ(synced->head, kRounds);
  EXPECT_EQ(synced->versions, kRounds);
  ASSERT_EQ(synced->damaged.size(), 1U);
  EXPECT_THAT(synced->damaged.at(kDamaged),
              HasSubstr("chunk 0 of version " + std::to_string(kDamaged)));
  const auto held = mirror->HeldVersions();
  EXPECT_EQ(std::count(held.begin(), held.end(), kDamaged), 0);
  const auto verified = VerifyState(*mirror, nullptr, [](Version) {});
  EXPECT_TRUE(verified.has_value()) << verified.error().Text();
  const std::uint64_t before = disk_->written_bytes();
  const auto again = SyncMirror(*primary, *mirror, kKeepAll, kGoOn, synced->damaged);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->damaged, synced->damaged) << "told of as long as it is so";
  EXPECT_EQ(disk_->written_bytes(), before);
}

TEST_F(MirrorTest, ADamagedNewestVersionLeavesTheNewestWholeOneInTheMirror) {
  {
    const auto primary = OpenPrimary();
    for (Version version = 0; version + 1 < kRounds; ++version) {
      ASSERT_TRUE(primary->DropVersion(version).has_value());
    }
  }
  DamageVersion(PrimaryDir(), kRounds);
  const auto synced = SyncMirror(*OpenDamaged(PrimaryDir()), *OpenMirror(), kKeepAll, kGoOn);
  ASSERT_TRUE(synced.has_value()) << synced.error().Text();
  EXPECT_EQ(synced->head, kRounds - 1);
  EXPECT_TRUE(synced->damaged.contains(kRounds));
  ExpectWhole(MirrorDir(), kRounds - 1);
}

TEST_F(MirrorTest, AnAnnouncementThatDoesNotCheckOutIsNotBelieved) {
  MakeDir("mirror");
  EXPECT_EQ(ReadAnnounced(MirrorDir()), std::nullopt);
  ASSERT_TRUE(NoteAnnounced(MirrorDir(), {6, 1}).has_value());
  ASSERT_TRUE(NoteAnnounced(MirrorDir(), {7, 1}).has_value());
  EXPECT_EQ(ReadAnnounced(MirrorDir()), (Announced{7, 1}));
  std::filesystem::resize_file(MirrorDir() + "/announced", 9);
  EXPECT_EQ(ReadAnnounced(MirrorDir()), std::nullopt);
}

/// In shards, so that each is short under sanitizers as well.
class MirrorCrashTest : public MirrorFixture, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Shard, MirrorCrashTest, ::testing::Range(1, kShards + 1));

TEST_P(MirrorCrashTest, ACrashAtAnyOperationLeavesAMirrorThatCatchesUp) {
  const auto path_of = [this](int point) { return directory_ / ("cut-" + std::to_string(point)); };
  const int end = CutAtOperations(
      *disk_, GetParam(), [this](int point) { MakeDir("cut-" + std::to_string(point)); },
      [&](int point) {
        auto primary = TryOpen(PrimaryDir(), OpenMode::read_only);
        auto mirror = TryOpen(path_of(point), OpenMode::create_or_open);
        if (primary && mirror) (void)SyncMirror(**primary, **mirror, {2, 0}, kGoOn).has_value();
      },
      [&](int point) {
        const auto mirror = Open(path_of(point), OpenMode::create_or_open);
        ASSERT_NE(mirror, nullptr) << point;
        const auto synced =
            SyncMirror(*Open(PrimaryDir(), OpenMode::read_only), *mirror, {2, 0}, kGoOn);
        ASSERT_TRUE(synced.has_value()) << point << ": " << synced.error().Text();
        EXPECT_THAT(mirror->HeldVersions(), ElementsAre(3, 4)) << point;
        const auto verified = VerifyState(*mirror, nullptr, [](Version) {});
        EXPECT_TRUE(verified.has_value()) << point << ": " << verified.error().Text();
      });
  EXPECT_GT(end, 40);
}

}  // namespace
}  // namespace muster::simulator
