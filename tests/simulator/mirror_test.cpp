// The mirror of a real run's state, and what is restored from it, on a disk that forgets.
#include "checkpoint/mirror.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <memory>
#include <string>

#include "checkpoint/copy_version.h"
#include "checkpoint/internal/damaged.h"
#include "checkpoint/internal/restore.h"
#include "checkpoint/mirror_files.h"
#include "checkpoint/verify.h"
#include "coordinator/runtime/replay.h"
#include "simulator/disk/file_system.h"
#include "simulator/federation/federation.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Round kRounds = 4;
constexpr Micros kPatience = 3'600'000 * kMillisecond;
constexpr RetentionPolicy kKeepAll = {0, 0};
const std::function<Status()> kGoOn = [] { return Status(); };

class MirrorTest : public ::testing::Test {
 protected:
  MirrorTest() {
    CoordinatorSetup setup;
    setup.job.model.kind = ModelKind::synthetic;
    setup.job.model.hidden = {};
    setup.job.model.parameters = 9'000;
    setup.job.data.source = DataSource::none;
    setup.job.data.parts = 3;
    setup.job.round.goal = 3;
    setup.job.round.quorum = 3;
    setup.options.rounds = kRounds;
    setup.roster = MakeRoster(3);
    setup.state_dir = directory_ / "state";
    job_ = setup.job;
    federation_ = std::make_unique<Federation>(1, Faults{}, setup);
    const RunResult result = federation_->Run(kPatience);
    EXPECT_TRUE(result.finished) << result.waiting;
    disk_ = federation_->shared_disk();
    disk_->MakeDurableDirectory(directory_.path());
  }

  std::string PrimaryDir() const { return directory_ / "state"; }
  std::string MirrorDir() const { return directory_ / "mirror"; }
  /// A directory of this name on both disks: stores lock on the machine's own.
  std::string MakeDir(const std::string& name) {
    const std::string path = directory_ / name;
    disk_->MakeDurableDirectory(path);
    std::filesystem::create_directories(path);
    return path;
  }
  Result<std::unique_ptr<CheckpointStore>> TryOpen(const std::string& path, OpenMode mode) {
    return checkpoint::OpenCheckpointStoreOn(Mount(disk_), path, mode);
  }
  std::unique_ptr<CheckpointStore> Open(const std::string& path, OpenMode mode) {
    auto store = TryOpen(path, mode);
    EXPECT_TRUE(store.has_value()) << store.error().Text();
    return store ? std::move(*store) : nullptr;
  }
  std::unique_ptr<CheckpointStore> OpenPrimary() {
    return Open(PrimaryDir(), OpenMode::create_or_open);
  }
  std::unique_ptr<CheckpointStore> OpenMirror(const std::string& name = "mirror") {
    return Open(MakeDir(name), OpenMode::create_or_open);
  }
  MirrorSync Sync(const RetentionPolicy& policy = kKeepAll) {
    const auto synced = SyncMirror(*OpenPrimary(), *OpenMirror(), policy, kGoOn);
    EXPECT_TRUE(synced.has_value()) << synced.error().Text();
    return synced.value_or(MirrorSync{});
  }
  void ExpectWhole(const std::string& path, Version head) {
    const auto store = Open(path, OpenMode::read_only);
    ASSERT_NE(store, nullptr);
    ASSERT_TRUE(store->recovered().head.has_value());
    EXPECT_EQ(store->recovered().head->version, head);
    const auto verified = VerifyState(*store, nullptr, [](Version) {});
    EXPECT_TRUE(verified.has_value()) << verified.error().Text();
    EXPECT_EQ(store->HeldVersions().back(), head);
  }
  static std::function<Status()> EnoughAfter(int calls) {
    return [calls]() mutable -> Status {
      if (calls-- > 0) return {};
      return Error{Reason::cancelled, "enough"};
    };
  }
  /// An older moment of the state, in "older": no version is above `head`.
  std::unique_ptr<CheckpointStore> Older(Version head) {
    const auto primary = OpenPrimary();
    auto older = OpenMirror("older");
    const RecoveredState& state = primary->recovered();
    Batch batch;
    batch.mutations = {PutJob{*state.job}, PutLineage{state.lineages.front()}};
    for (Version version = 0; version <= head; ++version) {
      const auto manifest = primary->ReadManifest(version);
      auto writer = older->BeginVersion(version);
      for (std::uint32_t i = 0; i < manifest->chunk_digests.size(); ++i) {
        EXPECT_TRUE((*writer)->Append(*primary->ReadVersionChunk(*manifest, i)).has_value());
      }
      EXPECT_TRUE((*writer)->Finish().has_value());
      batch.mutations.push_back(PutVersion{*manifest});
      batch.mutations.push_back(PutRoundRecord{*primary->ReadRoundRecord(version)});
    }
    EXPECT_TRUE(older->Write(batch).has_value());
    return Open(directory_ / "older", OpenMode::read_only);
  }
  /// Flips a bit in the middle of a file of chunks.
  void DamageFile(const std::string& path, std::uint64_t bytes) {
    disk_->FlipBit(path, 8 * (bytes - 6'000));
  }
  /// Those of chunks have more bytes than any other.
  std::vector<std::pair<std::string, std::uint64_t>> ChunkFiles(const std::string& state_dir) {
    std::vector<std::pair<std::string, std::uint64_t>> found;
    for (const auto& [path, bytes] : disk_->Files()) {
      if (path.starts_with(state_dir + "/db/") && path.ends_with(".sst") && bytes > 35'000) {
        found.emplace_back(path, bytes);
      }
    }
    return found;
  }
  /// As it is when damage comes up while it is used: no store opens whose head is damaged.
  std::unique_ptr<CheckpointStore> OpenDamaged(const std::string& state_dir) {
    auto damaged = checkpoint::OpenDamagedToRead(Mount(disk_), state_dir, {});
    EXPECT_TRUE(damaged.has_value()) << damaged.error().Text();
    return damaged ? std::move(damaged->store) : nullptr;
  }
  /// The versions that are held and are not whole.
  std::vector<Version> DamagedIn(const std::string& state_dir) {
    const auto store = OpenDamaged(state_dir);
    std::vector<Version> damaged;
    for (const Version version : store->HeldVersions()) {
      if (!VerifyVersion(*store, version)) damaged.push_back(version);
    }
    return damaged;
  }
  void DamageVersion(const std::string& state_dir, Version version) {
    for (const auto& [path, bytes] : ChunkFiles(state_dir)) {
      DamageFile(path, bytes);
      if (DamagedIn(state_dir) == std::vector<Version>{version}) return;
      DamageFile(path, bytes);
    }
    ADD_FAILURE() << "no file of version " << version;
  }
  Result<Restored> Restore(const std::string& mirror_dir, const std::string& state_dir) {
    return checkpoint::RestoreStateOn(Mount(disk_), {mirror_dir, state_dir, {}, 4711},
                                      [](Version) {});
  }

  const TempDir directory_;
  JobSpec job_;
  std::unique_ptr<Federation> federation_;
  std::shared_ptr<VirtualDisk> disk_;
};

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

/// Calls `act` with the power cut at each of its operations in turn (writes and syncs are torn,
/// what else there is was done and nobody heard of it), between `prepare` and `judge`, until one
/// call of it meets no cut. Returns at which it would have been cut then. Of kShards calls each
/// takes every so manieth operation, from `shard` on.
constexpr int kShards = 6;
int CutAtOperations(VirtualDisk& disk, int shard, const std::function<void(int)>& prepare,
                    const std::function<void(int)>& act, const std::function<void(int)>& judge) {
  for (int point = shard;; point += kShards) {
    prepare(point);
    int operations = 0;
    bool cut = false;
    disk.SetUnsynced(point / kShards % 2 == 0 ? Unsynced::mixed : Unsynced::lost);
    disk.SetPlan([&](const PlannedOperation& planned) {
      if (++operations != point) return Verdict::done;
      cut = true;
      const bool torn = planned.operation == DiskOperation::write ||
                        planned.operation == DiskOperation::sync ||
                        planned.operation == DiskOperation::sync_directory;
      return torn ? Verdict::cut_torn : Verdict::cut_after;
    });
    act(point);
    disk.SetPlan({});
    if (!disk.powered()) disk.Restart();
    judge(point);
    if (!cut || ::testing::Test::HasFailure()) return point;
  }
}

/// In shards, so that each is short under sanitizers as well.
class MirrorCrashTest : public MirrorTest, public ::testing::WithParamInterface<int> {};
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

TEST_F(MirrorTest, ARestoredStateGoesOnInANewLineage) {
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

TEST_F(MirrorTest, NumbersThatWereAnnouncedAreNotUsedAgain) {
  Sync();
  ASSERT_TRUE(NoteAnnounced(MirrorDir(), {kRounds + 6, 1}).has_value());
  MakeDir("restored");
  const auto restored = Restore(MirrorDir(), directory_ / "restored");
  ASSERT_TRUE(restored.has_value()) << restored.error().Text();
  EXPECT_EQ(restored->announced, kRounds + 6);
  EXPECT_EQ(restored->copy.version, kRounds + 7);
  ExpectWhole(directory_ / "restored", kRounds + 7);
}

TEST_F(MirrorTest, ALineageThatWasAnnouncedIsNotBegunAgain) {
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

TEST_F(MirrorTest, ARestoreSaysWhenNoNumberIsLeftForItsLineage) {
  Sync();
  MakeDir("restored");
  ASSERT_TRUE(NoteAnnounced(MirrorDir(), {kRounds, UINT32_MAX}).has_value());
  EXPECT_EQ(Restore(MirrorDir(), directory_ / "restored").error().reason, Reason::unsupported);
}

TEST_F(MirrorTest, ARestoreLeavesADamagedOldVersionOut) {
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

TEST_F(MirrorTest, ARestoreGoesOnFromTheNewestWholeVersionAndUsesNoNumberAgain) {
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

TEST_F(MirrorTest, ALineageWhoseVersionsAreAllDamagedIsAnAncestorStill) {
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

TEST_F(MirrorTest, ARestoreOfAMirrorWithoutAWholeVersionIsRefusedAndSaysWhatHelps) {
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

TEST_F(MirrorTest, AnAnnouncementThatDoesNotCheckOutIsNotBelieved) {
  MakeDir("mirror");
  EXPECT_EQ(ReadAnnounced(MirrorDir()), std::nullopt);
  ASSERT_TRUE(NoteAnnounced(MirrorDir(), {6, 1}).has_value());
  ASSERT_TRUE(NoteAnnounced(MirrorDir(), {7, 1}).has_value());
  EXPECT_EQ(ReadAnnounced(MirrorDir()), (Announced{7, 1}));
  std::filesystem::resize_file(MirrorDir() + "/announced", 9);
  EXPECT_EQ(ReadAnnounced(MirrorDir()), std::nullopt);
}

TEST_F(MirrorTest, ARestoreOverwritesNoState) {
  Sync();
  const auto refused = Restore(MirrorDir(), PrimaryDir());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, Reason::already_exists) << refused.error().Text();
  EXPECT_THAT(refused.error().message, HasSubstr("Move the state away"));
  ExpectWhole(PrimaryDir(), kRounds);
}

TEST_F(MirrorTest, ARestoreOfAMirrorInUseOrOfNoneIsRefused) {
  MakeDir("restored");
  MakeDir("empty");
  EXPECT_EQ(Restore(directory_ / "empty", directory_ / "restored").error().reason,
            Reason::not_found);
  Sync();
  const auto mirror = OpenMirror();
  EXPECT_EQ(Restore(MirrorDir(), directory_ / "restored").error().reason, Reason::state_in_use);
}

TEST_P(MirrorCrashTest, ACrashAtAnyOperationOfARestoreLeavesNothingOrAllOrWhatAStartRefuses) {
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
