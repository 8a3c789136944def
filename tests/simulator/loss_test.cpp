// Damage of every kind to what a run left: what is said of it, what going on costs, and that a
// crash at any operation of going on loses nothing silently.
#include "checkpoint/loss.h"

#include <gmock/gmock.h>
#include <rocksdb/file_system.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "checkpoint/copy_version.h"
#include "checkpoint/internal/damaged.h"
#include "checkpoint/internal/loss_on.h"
#include "common/random.h"
#include "coordinator/runtime/accept_loss.h"
#include "coordinator/runtime/stored_head.h"
#include "simulator/disk/file_system.h"
#include "tests/simulator/stored_run.h"

namespace muster::simulator {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Version kHead = StoredRun::kRounds;
constexpr std::uint64_t kInAChunk = 30'000;

/// The batches of the last rounds are lost, and the chunks of their versions are there.
void DamageLogEarly(StoredRun& run) { run.Flip(run.LiveLog(), run.SizeOf(run.LiveLog()) / 2); }

/// A file system on which one file cannot be opened to be read.
class FailingOpens : public rocksdb::FileSystemWrapper {
 public:
  FailingOpens(const checkpoint::FileSystemPtr& files, std::string path)
      : FileSystemWrapper(files), path_(std::move(path)) {}
  const char* Name() const override { return "FailingOpens"; }
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* dbg) override {
    if (path != path_) return target()->NewRandomAccessFile(path, options, result, dbg);
    return rocksdb::IOStatus::IOError("Too many open files", path);
  }

 private:
  const std::string path_;
};

class LossTest : public ::testing::Test {
 protected:
  explicit LossTest(StoredRun::End end = StoredRun::End::finished) : run_(end) {}

  Loss Assess(Version told = 0) {
    auto loss = checkpoint::AssessLossOn(run_.Mounted(), run_.state_dir(), told);
    EXPECT_TRUE(loss.has_value()) << loss.error().Text();
    return loss.value_or(Loss{});
  }
  Result<Loss> TryAccept(Version told = 0) {
    LossOrder order;
    order.told = told;
    order.lineage_nonce = 4711;
    order.store_head = [this](CheckpointStore& store) -> Status {
      const auto spool = checkpoint::OpenSpoolOn(run_.Mounted(), run_.state_dir());
      MUSTER_TRY(spool);
      MUSTER_TRY(coordinator::LoadHead(store, **spool, run_.job(), *CreateStrategy(run_.job())));
      return {};
    };
    return checkpoint::AcceptLossOn(run_.Mounted(), run_.state_dir(), order);
  }
  void Accept(Version told = 0) {
    const auto loss = TryAccept(told);
    ASSERT_TRUE(loss.has_value()) << loss.error().Text();
  }
  Sha256Digest DigestOf(Version version) {
    return run_.Open(OpenMode::read_only)->ReadRoundRecord(version)->digest;
  }
  /// As DigestOf, of a state that does not open.
  Sha256Digest DigestOfDamaged(Version version) {
    const auto damaged = checkpoint::OpenDamagedToRead(run_.Mounted(), run_.state_dir(), {});
    return damaged->store->ReadRoundRecord(version)->digest;
  }
  /// After a loss was accepted: head is a copy of `good` in lineage 2, and everything verifies.
  void ExpectGoesOnFrom(Version good, Version copy, const Sha256Digest& digest) {
    const auto verified = run_.Verify();
    ASSERT_TRUE(verified.has_value()) << verified.error().Text();
    const auto store = run_.Open(OpenMode::create_or_open);
    const RecoveredState& state = store->recovered();
    EXPECT_EQ(state.head->version, copy);
    EXPECT_EQ(state.head->digest, digest);
    EXPECT_TRUE(IsCopy(*state.last_record));
    EXPECT_EQ(state.last_record->parent, good);
    ASSERT_THAT(state.lineages, SizeIs(2));
    EXPECT_EQ(state.lineages[1].id, (LineageId{2, 4711}));
    EXPECT_EQ(state.lineages[1].fork_version, good);
    EXPECT_FALSE(state.open_round.has_value());
    EXPECT_THAT(state.accepted, IsEmpty());
    EXPECT_THAT(state.unstored, IsEmpty());
    EXPECT_FALSE(state.finish.has_value());
  }

  StoredRun run_;
};

TEST_F(LossTest, WithoutDamageNothingIsLostAndNothingIsDone) {
  EXPECT_THAT(Assess().damage, IsEmpty());
  const auto before = run_.disk().operation_count();
  Accept();
  EXPECT_EQ(run_.disk().operation_count(), before);
  EXPECT_EQ(LossText(Assess()), "");
}

TEST_F(LossTest, NothingIsJudgedWhileSomebodyIsAtWork) {
  const auto store = run_.Open(OpenMode::create_or_open);
  const auto accepted = TryAccept();
  ASSERT_FALSE(accepted.has_value());
  EXPECT_EQ(accepted.error().reason, Reason::state_in_use);
}

TEST_F(LossTest, ADirectoryWithoutAStateIsNotFound) {
  const TempDir empty;
  const auto loss = AssessLoss(empty.path(), 0);
  ASSERT_FALSE(loss.has_value());
  EXPECT_EQ(loss.error().reason, Reason::not_found);
}

TEST_F(LossTest, AChunkOfHeadCostsHead) {
  const Sha256Digest good = DigestOf(kHead - 1);
  run_.Flip(run_.FileOf(kHead), kInAChunk);
  const Loss loss = Assess();
  EXPECT_TRUE(loss.acceptable);
  EXPECT_TRUE(loss.new_lineage);
  EXPECT_THAT(loss.damaged, ElementsAre(kHead));
  EXPECT_EQ(loss.good, kHead - 1);
  EXPECT_EQ(loss.lost_updates, 3U);
  EXPECT_TRUE(loss.lost_updates_exact);
  EXPECT_THAT(loss.damage, ElementsAre(HasSubstr("chunk 0 of version 5: ")));
  const std::string text = LossText(loss);
  EXPECT_THAT(text, HasSubstr("version 4 is good"));
  EXPECT_THAT(text, HasSubstr("in lineage 2, and loses 1 version (5 to 5), 3 accepted updates"));
  EXPECT_THAT(text, HasSubstr("checkpoints restore"));
  Accept();
  ExpectGoesOnFrom(kHead - 1, kHead + 1, good);
  EXPECT_THAT(run_.Open(OpenMode::read_only)->HeldVersions(), ElementsAre(0, 1, 2, 3, 4, 6));
  const auto replayed = run_.Replay();
  ASSERT_TRUE(replayed.has_value()) << replayed.error().Text();
  EXPECT_EQ(replayed->to, kHead + 1);
}

TEST_F(LossTest, SkippedExamplesAreSaidBeforeAndAfter) {
  run_.StoreStepsJob();
  run_.Flip(run_.FileOf(kHead), kInAChunk);
  const std::string cost = "; the examples of the rounds 5 to 6 count in no version";
  EXPECT_THAT(LossText(Assess()), HasSubstr(cost));
  const auto loss = TryAccept();
  ASSERT_TRUE(loss.has_value()) << loss.error().Text();
  EXPECT_THAT(coordinator::AcceptedText(*loss), HasSubstr(cost));
}

TEST_F(LossTest, TheNumberIsAboveEverythingThatWasAnnounced) {
  const Sha256Digest good = DigestOf(kHead - 1);
  run_.Flip(run_.FileOf(kHead), kInAChunk);
  const Loss loss = Assess(/*told=*/8);
  EXPECT_THAT(LossText(loss), HasSubstr("4 versions (5 to 8), at least 3 accepted updates"));
  Accept(/*told=*/8);
  ExpectGoesOnFrom(kHead - 1, 9, good);
}

TEST_F(LossTest, SeveralVersionsAndTheirFilesEndsAreLostTogether) {
  const Sha256Digest good = DigestOf(2);
  run_.Flip(run_.FileOf(3), run_.SizeOf(run_.FileOf(3)) - 10);  // The footer.
  run_.Flip(run_.FileOf(5), kInAChunk);
  run_.Remove(run_.FileOf(4));
  EXPECT_EQ(run_.OpenError().reason, Reason::damage);
  const Loss loss = Assess();
  EXPECT_THAT(loss.damaged, ElementsAre(3, 4, 5));
  EXPECT_EQ(loss.good, 2U);
  EXPECT_EQ(loss.lost_updates, 9U);
  Accept();
  ExpectGoesOnFrom(2, kHead + 1, good);
}

TEST_F(LossTest, NumbersWhoseBatchesTheLogLostAreNotUsedAgain) {
  DamageLogEarly(run_);
  const Loss loss = Assess();
  ASSERT_LT(loss.good, kHead - 1) << "the log lost no version";
  EXPECT_EQ(loss.head, kHead) << "its chunks are there";
  EXPECT_THAT(LossText(loss), HasSubstr(" to 5)"));
  const Sha256Digest good = DigestOfDamaged(loss.good);
  Accept();
  ExpectGoesOnFrom(loss.good, kHead + 1, good);
}

TEST_F(LossTest, AReadThatFailsIsNoDamage) {
  run_.Flip(run_.FileOf(4), run_.SizeOf(run_.FileOf(4)) - 10);  // Opened without all files.
  const auto files = std::make_shared<FailingOpens>(run_.Mounted(), run_.FileOf(3));
  const auto loss = checkpoint::AssessLossOn(files, run_.state_dir(), 0);
  ASSERT_FALSE(loss.has_value());
  EXPECT_EQ(loss.error().reason, Reason::io_failed);
  EXPECT_THAT(loss.error().message, HasSubstr("Too many open files"));
  const auto accepted = checkpoint::AcceptLossOn(files, run_.state_dir(), {});
  ASSERT_FALSE(accepted.has_value());
  EXPECT_EQ(accepted.error().reason, Reason::io_failed);
  EXPECT_THAT(Assess().damaged, ElementsAre(4));
}

TEST_F(LossTest, ASpoolThatCannotBeReadIsNoDamage) {
  run_.OpenRoundWithUpdates();
  const auto files = std::make_shared<FailingOpens>(run_.Mounted(), run_.Path("spool"));
  const auto loss = checkpoint::AssessLossOn(files, run_.state_dir(), 0);
  ASSERT_FALSE(loss.has_value());
  EXPECT_EQ(loss.error().reason, Reason::io_failed);
}

TEST_F(LossTest, OldVersionsAreRemovedAndTheRunLosesNothing) {
  run_.Flip(run_.FileOf(1), kInAChunk);
  run_.Flip(run_.FileOf(2), run_.SizeOf(run_.FileOf(2)) - 10);
  const Loss loss = Assess();
  EXPECT_FALSE(loss.new_lineage);
  EXPECT_THAT(LossText(loss), HasSubstr("removes the chunks of the versions 1, 2"));
  Accept();
  EXPECT_TRUE(run_.Verify().has_value());
  const auto store = run_.Open(OpenMode::read_only);
  EXPECT_EQ(store->recovered().head->version, kHead);
  EXPECT_THAT(store->recovered().lineages, SizeIs(1));
  EXPECT_THAT(store->HeldVersions(), ElementsAre(0, 3, 4, 5));
  EXPECT_TRUE(run_.Replay().has_value());
}

TEST_F(LossTest, NothingHelpsWhereNoVersionIsWhole) {
  for (Version version = 0; version <= kHead; ++version) run_.Flip(run_.FileOf(version), kInAChunk);
  const Loss loss = Assess();
  EXPECT_FALSE(loss.acceptable);
  EXPECT_THAT(LossText(loss), HasSubstr("--accept-loss cannot help"));
  const auto accepted = TryAccept();
  ASSERT_FALSE(accepted.has_value());
  EXPECT_EQ(accepted.error().reason, Reason::damage);
  EXPECT_THAT(accepted.error().message, HasSubstr("checkpoints restore"));
}

TEST_F(LossTest, ALogThatEndsBeforeTheWitnessCostsWhatItTold) {
  const std::vector<AcceptedUpdate> updates = run_.OpenRoundWithUpdates();
  const Sha256Digest good = DigestOf(kHead);
  run_.Flip(run_.LiveLog(), run_.SizeOf(run_.LiveLog()) - 10);
  EXPECT_THAT(run_.OpenError().message, HasSubstr("the log is damaged, not torn"));
  const Loss loss = Assess();
  EXPECT_TRUE(loss.new_lineage);
  EXPECT_EQ(loss.lost_batches, 1U);
  EXPECT_EQ(loss.good, kHead);
  EXPECT_FALSE(loss.lost_updates_exact);
  EXPECT_THAT(LossText(loss), HasSubstr("at least 0 accepted updates, and 1 synced write that the "
                                        "log lost"));
  Accept();
  ExpectGoesOnFrom(kHead, kHead + 1, good);
}

TEST_F(LossTest, AWitnessThatIsGoneOrUnreadableBeginsALineage) {
  const Sha256Digest good = DigestOf(kHead);
  const std::shared_ptr<VirtualDisk> whole = run_.CloneDisk();
  run_.Remove(run_.Path("witness"));
  EXPECT_THAT(run_.OpenError().message, HasSubstr("witness is gone"));
  EXPECT_THAT(LossText(Assess()), HasSubstr("loses no version, at least 0 accepted updates"));
  Accept();
  ExpectGoesOnFrom(kHead, kHead + 1, good);
  run_.SetDisk(whole);
  run_.Flip(run_.Path("witness"), 9);
  run_.Flip(run_.Path("witness"), 4096 + 9);
  EXPECT_EQ(run_.OpenError().reason, Reason::damage);
  Accept();
  ExpectGoesOnFrom(kHead, kHead + 1, good);
}

TEST_F(LossTest, ALostFormatIsWrittenAgainAndNothingIsLost) {
  const std::shared_ptr<VirtualDisk> whole = run_.CloneDisk();
  const auto expect_mended = [this] {
    EXPECT_EQ(run_.OpenError().reason, Reason::damage);
    EXPECT_FALSE(Assess().new_lineage);
    Accept();
    EXPECT_TRUE(run_.Verify().has_value());
    const auto store = run_.Open(OpenMode::read_only);
    EXPECT_EQ(store->recovered().head->version, kHead);
    EXPECT_THAT(store->recovered().lineages, SizeIs(1));
    EXPECT_TRUE(store->recovered().finish.has_value());
  };
  run_.Remove(run_.Path("FORMAT"));
  expect_mended();
  run_.SetDisk(whole);
  run_.Flip(run_.Path("FORMAT"), 3);
  expect_mended();
}

TEST_F(LossTest, BytesOfAcceptedUpdatesCostTheOpenRound) {
  const std::vector<AcceptedUpdate> updates = run_.OpenRoundWithUpdates();
  const Sha256Digest good = DigestOf(kHead);
  run_.Flip(run_.Path("spool"), 36'864 * 4 + 5);
  EXPECT_EQ(run_.Verify().error().reason, Reason::damage);
  const Loss loss = Assess();
  EXPECT_THAT(loss.damage, ElementsAre(HasSubstr("l1.r6.s1.t0")));
  EXPECT_EQ(loss.good, kHead);
  EXPECT_EQ(loss.lost_updates, 2U);
  EXPECT_THAT(LossText(loss), HasSubstr("loses no version, 2 accepted updates"));
  Accept();
  ExpectGoesOnFrom(kHead, kHead + 1, good);
  const auto store = run_.Open(OpenMode::read_only);
  for (const UpdateFate& fate : store->recovered().fates) {
    if (fate.id.slot >= 2) continue;
    EXPECT_EQ(fate.reason, Reason::round_closed);
  }
}

TEST_F(LossTest, ARoundThatIsOpenAlthoughItHasItsVersionIsDamage) {
  const Sha256Digest good = DigestOf(kHead);
  {
    const auto store = run_.Open(OpenMode::create_or_open);
    OpenRound again{.round = kHead, .parent = kHead - 1, .eligible = {0, 1, 2}};
    again.first_drawn = again.cohort = {0, 1, 2};
    ASSERT_TRUE(store->Write({{PutOpenRound{again}}}));
  }
  EXPECT_EQ(run_.OpenError().reason, Reason::damage);
  EXPECT_THAT(run_.OpenError().message, HasSubstr("round 5 is open, but round 5 is closed"));
  EXPECT_EQ(run_.Verify().error().reason, Reason::damage);
  const Loss loss = Assess();
  EXPECT_TRUE(loss.new_lineage);
  EXPECT_EQ(loss.good, kHead);
  Accept();
  ExpectGoesOnFrom(kHead, kHead + 1, good);
}

TEST_F(LossTest, ALostSpoolCostsTheOpenRound) {
  run_.OpenRoundWithUpdates();
  run_.Remove(run_.Path("spool"));
  const auto operations = run_.disk().operation_count();
  EXPECT_THAT(Assess().damage, ElementsAre(HasSubstr("spool is gone")));
  EXPECT_EQ(run_.disk().operation_count(), operations) << "a look changes nothing";
  Accept();
  EXPECT_TRUE(run_.Verify().has_value());
}

TEST_F(LossTest, AMissingManifestOfTheDatabaseCannotBeHelped) {
  for (const auto& [path, bytes] : run_.disk().Files()) {
    if (path.find("MANIFEST") != std::string::npos) run_.Remove(path);
  }
  const Loss loss = Assess();
  EXPECT_FALSE(loss.acceptable);
  EXPECT_THAT(TryAccept().error().message, HasSubstr("--accept-loss cannot help"));
}

TEST_F(LossTest, AMissingCurrentCannotBeHelped) {
  run_.Remove(run_.Path("db/CURRENT"));
  EXPECT_FALSE(Assess().acceptable);
  EXPECT_EQ(TryAccept().error().reason, Reason::damage);
  EXPECT_EQ(run_.disk().Files().count(run_.Path("db/CURRENT")), 0U) << "none is put in its place";
}

/// Version 5 is committed and follows from version 4 and three updates in the spool.
class UnstoredLossTest : public LossTest {
 protected:
  UnstoredLossTest() : LossTest(StoredRun::End::unstored) {}
};

TEST_F(UnstoredLossTest, AnUnstoredHeadIsNoDamage) {
  ASSERT_THAT(run_.Open(OpenMode::read_only)->HeldVersions(), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(Assess().damage, IsEmpty());
}

TEST_F(UnstoredLossTest, AChunkOfItsParentCostsBoth) {
  const Sha256Digest good = DigestOf(3);
  run_.Flip(run_.FileOf(4), kInAChunk);
  const Loss loss = Assess();
  EXPECT_THAT(loss.damaged, ElementsAre(4));
  EXPECT_EQ(loss.good, 3U);
  EXPECT_EQ(loss.lost_updates, 6U);
  Accept();
  ExpectGoesOnFrom(3, kHead + 1, good);
}

TEST_F(UnstoredLossTest, BytesOfItsUpdatesCostItAlone) {
  const Sha256Digest good = DigestOf(4);
  const RecoveredState state = run_.Open(OpenMode::read_only)->recovered();
  constexpr std::uint64_t kExtentBytes = 36'864;
  run_.Flip(run_.Path("spool"), kExtentBytes * state.unstored.at(1).extent.index + 5);
  const Loss loss = Assess();
  EXPECT_THAT(loss.damage, ElementsAre(HasSubstr("l1.r5.s")));
  EXPECT_EQ(loss.good, 4U);
  Accept();
  ExpectGoesOnFrom(4, kHead + 1, good);
}

TEST_F(UnstoredLossTest, ItIsStoredBeforeItIsCopied) {
  const Sha256Digest good = DigestOf(5);
  run_.Remove(run_.Path("witness"));
  EXPECT_EQ(Assess().good, kHead);
  Accept();
  ExpectGoesOnFrom(kHead, kHead + 1, good);
  EXPECT_THAT(run_.Open(OpenMode::read_only)->HeldVersions(), Contains(kHead));
}

// --- Dying while the loss is accepted ------------------------------------------------------------

struct Kind {
  const char* name;
  StoredRun::End end;
  std::function<void(StoredRun&)> damage;
  Version good;
};

void DamageLog(StoredRun& run) {
  run.OpenRoundWithUpdates();
  run.Flip(run.LiveLog(), run.SizeOf(run.LiveLog()) - 10);
}
void DamageHead(StoredRun& run) { run.Flip(run.FileOf(kHead), kInAChunk); }
void DamageFooters(StoredRun& run) {
  run.Remove(run.FileOf(kHead));
  run.Flip(run.FileOf(4), run.SizeOf(run.FileOf(4)) - 10);
}
void DamageWitnessAndFormat(StoredRun& run) {
  run.Remove(run.Path("witness"));
  run.Remove(run.Path("FORMAT"));
}
void DamageParent(StoredRun& run) { run.Flip(run.FileOf(4), kInAChunk); }

class DyingTest : public ::testing::TestWithParam<Kind> {};

INSTANTIATE_TEST_SUITE_P(
    Kinds, DyingTest,
    ::testing::Values(Kind{"Log", StoredRun::End::finished, DamageLog, 5},
                      Kind{"LogEarly", StoredRun::End::finished, DamageLogEarly, 2},
                      Kind{"Head", StoredRun::End::finished, DamageHead, 4},
                      Kind{"Footers", StoredRun::End::finished, DamageFooters, 3},
                      Kind{"WitnessAndFormat", StoredRun::End::unstored, DamageWitnessAndFormat, 5},
                      Kind{"Parent", StoredRun::End::unstored, DamageParent, 3}),
    [](const auto& kind) { return std::string(kind.param.name); });

/// At each operation of accepting: dies there, and then a start either finds damage still or the
/// new lineage; accepting again ends in the same state.
TEST_P(DyingTest, LosesNothingSilentlyAndComesToTheSameEnd) {
  StoredRun run(GetParam().end);
  const Sha256Digest digest =
      run.Open(OpenMode::read_only)->ReadRoundRecord(GetParam().good)->digest;
  GetParam().damage(run);
  const std::shared_ptr<VirtualDisk> damaged = run.CloneDisk();
  const auto accept = [&run] {
    LossOrder order;
    order.lineage_nonce = 4711;
    order.store_head = [&run](CheckpointStore& store) -> Status {
      const auto spool = checkpoint::OpenSpoolOn(run.Mounted(), run.state_dir());
      MUSTER_TRY(spool);
      MUSTER_TRY(coordinator::LoadHead(store, **spool, run.job(), *CreateStrategy(run.job())));
      return {};
    };
    return checkpoint::AcceptLossOn(run.Mounted(), run.state_dir(), order);
  };
  const char* given = std::getenv("MUSTER_TEST_SEED");
  const std::uint64_t seed = given == nullptr ? SystemRandom() : std::stoull(given);
  std::printf("MUSTER_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  KeyedStream random(seed, "dying", {});
  int points = 0;
  int still_damaged = 0;
  bool reached = true;
  // Every operation, in one drawn way.
  for (std::uint64_t at = 1; reached; ++at, ++points) {
    run.SetDisk(damaged);
    run.SetDisk(run.CloneDisk());
    const Verdict verdict =
        std::array{Verdict::cut_before, Verdict::cut_torn, Verdict::cut_after}[random.Below(3)];
    run.disk().SetUnsynced(
        std::array{Unsynced::lost, Unsynced::kept, Unsynced::mixed}[random.Below(3)]);
    const std::uint64_t from = run.disk().operation_count();
    reached = false;
    run.disk().SetPlan([&](const PlannedOperation& planned) {
      if (planned.number != from + at) return Verdict::done;
      reached = true;
      return verdict;
    });
    const auto died = accept();
    run.disk().SetPlan({});
    if (!reached) {
      EXPECT_TRUE(died.has_value()) << died.error().Text();
    }
    run.disk().Restart();
    SCOPED_TRACE("operation " + std::to_string(at));
    auto opened =
        checkpoint::OpenCheckpointStoreOn(run.Mounted(), run.state_dir(), OpenMode::create_or_open);
    if (opened) {
      EXPECT_EQ((*opened)->recovered().lineages.size(), 2U) << "a silent loss";
    } else {
      EXPECT_EQ(opened.error().reason, Reason::damage) << opened.error().Text();
      ++still_damaged;
    }
    if (opened) (*opened).reset();
    const auto again = accept();
    ASSERT_TRUE(again.has_value()) << again.error().Text();
    const auto verified = run.Verify();
    ASSERT_TRUE(verified.has_value()) << verified.error().Text();
    const auto store = run.Open(OpenMode::read_only);
    ASSERT_EQ(store->recovered().lineages.size(), 2U);
    // Above every number that the lost log gave away. One is left out where the first try died
    // between the copy's chunks and its batch: nobody can tell these from a lost version's.
    EXPECT_GE(store->recovered().head->version, kHead + 1);
    EXPECT_LE(store->recovered().head->version, kHead + 2);
    EXPECT_EQ(store->recovered().head->digest, digest);
    ASSERT_EQ(run.VersionFileCount(), store->HeldVersions().size()) << "chunks nobody names";
  }
  EXPECT_GT(points, 40);
  EXPECT_GT(still_damaged, 20);
}

}  // namespace
}  // namespace muster::simulator
