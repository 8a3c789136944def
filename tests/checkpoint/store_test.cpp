// What the store keeps, and who may open it.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "common/limits.h"
#include "protocol/record_codec.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Equal records have equal bytes.
template <typename Record>
void ExpectEqual(const Record& actual, const Record& expected) {
  EXPECT_EQ(Hex(EncodeRecord(actual)), Hex(EncodeRecord(expected)));
}

class StoreTest : public StoreFixture {};

// --- What a reopened store knows -----------------------------------------------------------------

TEST_F(StoreTest, NewStoreIsEmpty) {
  Open();
  EXPECT_FALSE(recovered().job);
  EXPECT_FALSE(recovered().head);
  EXPECT_FALSE(recovered().open_round);
  EXPECT_EQ(recovered().epoch.starts, 0U);
  EXPECT_THAT(store_->HeldVersions(), IsEmpty());
}

TEST_F(StoreTest, EveryKindOfMutationIsRecovered) {
  Open();
  const EpochRecord epoch{.epoch = {.number = 3, .nonce = 77}, .starts = 3};
  const LineageRecord lineage{
      .id = {.number = 2, .nonce = 5}, .parent_number = 1, .fork_version = 4};
  const FinishRecord finish{.reason = Reason::finished, .version = 1};
  Commit(0);
  Commit(1);
  Write({PutJob{SampleJob()}, PutEpoch{epoch}, PutLineage{lineage},
         PutRosterEntry{SampleRosterEntry(6)}, PutOpenRound{SampleOpenRound(2)},
         PutAccepted{SampleAccepted(108)}, PutFate{SampleFate(5, 1)},
         PutEvaluation{SampleEvaluation(1)}, PutFinish{finish}, PutPastEpoch{{2, 66}}});
  Reopen();

  ExpectEqual(*recovered().job, SampleJob());
  ExpectEqual(recovered().epoch, epoch);
  EXPECT_THAT(recovered().past_epochs, ElementsAre(Epoch{2, 66}));
  ASSERT_EQ(recovered().lineages.size(), 1U);
  ExpectEqual(recovered().lineages[0], lineage);
  ASSERT_EQ(recovered().roster.size(), 1U);
  ExpectEqual(recovered().roster[0], SampleRosterEntry(6));
  ExpectEqual(*recovered().open_round, SampleOpenRound(2));
  ASSERT_EQ(recovered().accepted.size(), 1U);
  ExpectEqual(recovered().accepted[0], SampleAccepted(108));
  ASSERT_EQ(recovered().fates.size(), 1U);
  ExpectEqual(recovered().fates[0], SampleFate(5, 1));
  ASSERT_EQ(recovered().evaluations.size(), 1U);
  ExpectEqual(recovered().evaluations[0], SampleEvaluation(1));
  ExpectEqual(*recovered().finish, finish);
  ExpectEqual(*recovered().head, SampleManifest(1, SampleContents(1, kVersionBytes)));
  ExpectEqual(*recovered().last_record, SampleRoundRecord(1));
}

TEST_F(StoreTest, UnsyncedBatchesSurviveTheProcess) {
  Open();
  AcceptEach(1, 3, /*sync=*/false);
  Crash();
  Open();
  EXPECT_EQ(recovered().accepted.size(), 3U);
}

TEST_F(StoreTest, ListsAreAscendingByNumber) {
  Open();
  for (const std::uint32_t number : {300U, 2U, 70'000U, 1U}) {
    Write({PutAccepted{SampleAccepted(number)}, PutFate{SampleFate(number, 1)},
           PutRosterEntry{SampleRosterEntry(number % 1000)},
           PutEvaluation{SampleEvaluation(number)},
           PutLineage{{.id = {.number = number, .nonce = 1}}}});
  }
  Reopen();
  const auto slots = [](const auto& records) {
    std::vector<Slot> result;
    for (const auto& record : records) result.push_back(record.id.slot);
    return result;
  };
  EXPECT_THAT(slots(recovered().accepted), ElementsAre(1, 2, 300, 70'000));
  EXPECT_THAT(slots(recovered().fates), ElementsAre(1, 2, 300, 70'000));
  EXPECT_EQ(recovered().lineages.front().id.number, 1U);
  EXPECT_EQ(recovered().lineages.back().id.number, 70'000U);
  EXPECT_EQ(recovered().evaluations.front().version, 1U);
  EXPECT_EQ(recovered().evaluations.back().version, 70'000U);
  EXPECT_EQ(recovered().roster.front().index, 0U);
  EXPECT_EQ(recovered().roster.back().index, 300U);
}

TEST_F(StoreTest, ANewPastEpochTakesTheOneFarBeforeItAway) {
  Open();
  const std::uint64_t last = limits::kPastEpochsMax + 3;
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{4}, last}) {
    Write({PutPastEpoch{{number, 10 * number}}});
  }
  Write({PutPastEpoch{{4, 41}}});
  Reopen();
  EXPECT_THAT(recovered().past_epochs,
              ElementsAre(Epoch{1, 10}, Epoch{4, 41}, Epoch{last, 10 * last}));
}

TEST_F(StoreTest, TheLastFateOfASlotWins) {
  Open();
  Write({PutFate{SampleFate(5, 1)}});
  UpdateFate later = SampleFate(5, 2);
  later.id.round = 9;
  Write({PutFate{later}});
  Reopen();
  ASSERT_EQ(recovered().fates.size(), 1U);
  ExpectEqual(recovered().fates[0], later);
}

TEST_F(StoreTest, ClosingTheRoundRemovesItAndKeepsItsUpdates) {
  Open();
  Write({PutOpenRound{SampleOpenRound(1)}});
  AcceptEach(1, 3);
  Write({ClearOpenRound{}});
  Reopen();
  EXPECT_FALSE(recovered().open_round);
  EXPECT_EQ(recovered().accepted.size(), 3U);
}

TEST_F(StoreTest, ClearedFinishIsGone) {
  Open();
  Write({PutFinish{{.reason = Reason::finished, .version = 1}}});
  Write({ClearFinish{}});
  Reopen();
  EXPECT_FALSE(recovered().finish);
}

// --- Versions ------------------------------------------------------------------------------------

TEST_F(StoreTest, TheInitialModelIsHeadWithoutARecord) {
  Open();
  Commit(0);
  Reopen();
  ASSERT_TRUE(recovered().head);
  EXPECT_EQ(recovered().head->version, 0U);
  EXPECT_FALSE(recovered().last_record);
}

TEST_F(StoreTest, AVersionOfSeveralChunksReadsBack) {
  constexpr std::size_t kBytes = (5U << 19) + 64;  // Two chunks and a half.
  Open();
  Commit(7, kBytes);
  Reopen();
  const Bytes contents = SampleContents(7, kBytes);
  Bytes read;
  for (std::uint32_t i = 0; i < 3; ++i) {
    auto chunk = store_->ReadVersionChunk(*recovered().head, i);
    ASSERT_TRUE(chunk) << chunk.error().Text();
    read.insert(read.end(), chunk->begin(), chunk->end());
  }
  EXPECT_TRUE(read == contents);
  EXPECT_EQ(store_->ReadVersionChunk(*recovered().head, 3).error().reason, Reason::not_found);
}

TEST_F(StoreTest, OldVersionsAndRecordsStayReadable) {
  Open();
  for (Version version = 0; version <= 3; ++version) Commit(version);
  Reopen();
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 1, 2, 3));
  ExpectEqual(*store_->ReadRoundRecord(2), SampleRoundRecord(2));
  const VersionManifest manifest = *store_->ReadManifest(1);
  EXPECT_TRUE(*store_->ReadVersionChunk(manifest, 0) == SampleContents(1, kVersionBytes));
  EXPECT_EQ(store_->ReadManifest(4).error().reason, Reason::not_found);
  EXPECT_EQ(store_->ReadRoundRecord(0).error().reason, Reason::not_found);

  std::vector<Version> visited;
  const Status all = store_->ForEachRoundRecord([&](const RoundRecord& record) -> Status {
    visited.push_back(record.version);
    return {};
  });
  EXPECT_TRUE(all);
  EXPECT_THAT(visited, ElementsAre(1, 2, 3));
}

TEST_F(StoreTest, VisitingStopsAtTheVisitorsError) {
  Open();
  for (Version version = 1; version <= 3; ++version) Commit(version);
  int visits = 0;
  const Status status = store_->ForEachRoundRecord([&](const RoundRecord& record) -> Status {
    ++visits;
    if (record.version == 2) return Error{Reason::cancelled, "enough"};
    return {};
  });
  EXPECT_EQ(status.error().reason, Reason::cancelled);
  EXPECT_EQ(visits, 2);
}

TEST_F(StoreTest, ChunksAboveHeadAreSweptAtOpen) {
  Open();
  Commit(1);
  Stage(2);
  const VersionManifest never = SampleManifest(2, SampleContents(2, kVersionBytes));
  ASSERT_TRUE(store_->ReadVersionChunk(never, 0));
  const std::size_t files_before = SortedFiles().size();
  Reopen();
  EXPECT_EQ(store_->ReadVersionChunk(never, 0).error().reason, Reason::not_found);
  EXPECT_TRUE(store_->ReadVersionChunk(*recovered().head, 0));
  Reopen();  // Obsolete files go at the latest when the database is opened again.
  EXPECT_LE(SortedFiles().size(), files_before + 4) << "one flush a metadata family at most";
}

TEST_F(StoreTest, ChunksWithoutAnyHeadAreSweptAtOpen) {
  Open();
  Stage(0);
  Reopen();
  const VersionManifest never = SampleManifest(0, SampleContents(0, kVersionBytes));
  EXPECT_EQ(store_->ReadVersionChunk(never, 0).error().reason, Reason::not_found);
  Commit(0);
  EXPECT_TRUE(store_->ReadVersionChunk(never, 0));
}

TEST_F(StoreTest, ASecondTryOfAVersionReplacesTheFirst) {
  Open();
  Commit(1);
  Stage(2, 3U << 20);
  Commit(2, kVersionBytes);
  Reopen();
  EXPECT_TRUE(*store_->ReadVersionChunk(*recovered().head, 0) == SampleContents(2, kVersionBytes));
  const VersionManifest first_try = SampleManifest(2, SampleContents(2, 3U << 20));
  EXPECT_EQ(store_->ReadVersionChunk(first_try, 1).error().reason, Reason::not_found);
}

TEST_F(StoreTest, AnUnfinishedVersionLeavesNothing) {
  Open();
  {
    auto writer = store_->BeginVersion(1);
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->Append(SampleContents(1, kVersionBytes)));
    EXPECT_EQ(StagedFiles().size(), 1U);
  }
  EXPECT_THAT(StagedFiles(), IsEmpty());
  const VersionManifest never = SampleManifest(1, SampleContents(1, kVersionBytes));
  EXPECT_EQ(store_->ReadVersionChunk(never, 0).error().reason, Reason::not_found);
}

TEST_F(StoreTest, StagedFilesOfACrashAreSwept) {
  Open();
  auto writer = store_->BeginVersion(1);
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->Append(SampleContents(1, 1U << 20)));
  std::filesystem::copy(directory(), temporary_ / "copy", std::filesystem::copy_options::recursive);
  writer->reset();
  Close();
  current_ = temporary_ / "copy";
  ASSERT_EQ(StagedFiles().size(), 1U);
  Open();
  EXPECT_THAT(StagedFiles(), IsEmpty());
}

TEST_F(StoreTest, AVersionLeavesNoStagedFile) {
  Open();
  Commit(1);
  EXPECT_THAT(StagedFiles(), IsEmpty());
}

TEST_F(StoreTest, AVersionIsOneFileThatNoLaterVersionMoves) {
  Open();
  Commit(1, 3U << 20);
  std::string of_version;
  for (const std::string& path : SortedFiles()) {
    if (SizeOf(path) > (3U << 20)) of_version = path;
  }
  ASSERT_NE(of_version, "");
  for (Version version = 2; version < 12; ++version) Commit(version, 1U << 20);
  Reopen();
  EXPECT_TRUE(std::filesystem::exists(of_version));
}

TEST_F(StoreTest, AVersionWithoutBytesCommits) {
  Open();
  Commit(1, 0);
  Reopen();
  ASSERT_TRUE(recovered().head);
  EXPECT_EQ(recovered().head->total_bytes, 0U);
}

TEST_F(StoreTest, StoredVersionsCannotBeBegunAgain) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  Open();
  Commit(1);
  EXPECT_DEATH((void)store_->BeginVersion(1).has_value(), "stored already");
}

// --- Who may open it -----------------------------------------------------------------------------

TEST_F(StoreTest, ASecondWriterIsRefused) {
  Open();
  EXPECT_EQ(OpenError().reason, Reason::state_in_use);
  Close();
  Open();
}

TEST_F(StoreTest, AReaderFindsNoStoreInANewDirectory) {
  EXPECT_EQ(OpenError(OpenMode::read_only).reason, Reason::not_found);
  EXPECT_FALSE(std::filesystem::exists(directory()));
}

TEST_F(StoreTest, AReaderBesideAWriterSeesWhatWasWritten) {
  Open();
  Write({PutJob{SampleJob()}});
  Commit(0);
  AcceptEach(1, 3, /*sync=*/false);
  const auto reader = OpenReader();
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->recovered().accepted.size(), 3U);
  EXPECT_EQ(reader->recovered().head->version, 0U);
  EXPECT_TRUE(reader->ReadVersionChunk(*reader->recovered().head, 0));

  Commit(1);
  Write({ClearAccepted{1}});
  EXPECT_EQ(reader->recovered().head->version, 0U) << "a reader's state is that of its open";
  EXPECT_EQ(OpenReader()->recovered().head->version, 1U);
  Reopen();
  EXPECT_EQ(recovered().head->version, 1U);
}

TEST_F(StoreTest, AReaderChangesNoByte) {
  Open();
  Commit(0);
  AcceptEach(1, 3);
  const std::string before = ImageOf(directory());
  {
    const auto reader = OpenReader();
    ASSERT_TRUE(reader->ReadVersionChunk(*reader->recovered().head, 0));
  }
  EXPECT_TRUE(ImageOf(directory()) == before);
}

// A version that was stored before its batch (the first one) and those that are stored behind it.
TEST_F(StoreTest, ReadersOpenWhileAWriterCommits) {
  Open();
  Commit(0);
  std::thread writer([&] {
    for (Version version = 1; version <= 40; ++version) {
      const auto first = static_cast<std::uint32_t>(100 * (version - 1));
      AcceptEach(first, first + 4);
      CommitUnstored(version);
      Stage(version);
      Write({ClearAccepted{version}}, /*sync=*/false);
    }
  });
  Version seen = 0;
  for (int i = 0; i < 40; ++i) {
    const auto reader = OpenReader();
    if (!reader) break;
    const RecoveredState& state = reader->recovered();
    EXPECT_GE(state.head->version, seen);
    seen = state.head->version;
    const std::vector<Version> held = reader->HeldVersions();
    ASSERT_THAT(held, Not(IsEmpty()));
    EXPECT_GE(held.back() + (state.unstored.empty() ? 0 : 1), seen);
    const auto chunk = reader->ReadVersionChunk(*reader->ReadManifest(held.back()), 0);
    EXPECT_TRUE(chunk) << chunk.error().Text();
  }
  writer.join();
}

TEST_F(StoreTest, ThreadsMayWriteAndReadAtOnce) {
  Open();
  Commit(0);
  const VersionManifest head = *store_->ReadManifest(0);
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([this, t] { AcceptEach(t * 10, t * 10 + 9); });
  }
  threads.emplace_back([this] { Stage(1, 2U << 20); });
  threads.emplace_back([this, &head] {
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(store_->ReadVersionChunk(head, 0));
      EXPECT_EQ(store_->HeldVersions().size(), 1U);
    }
  });
  for (std::thread& thread : threads) thread.join();
  Reopen();
  EXPECT_EQ(recovered().accepted.size(), 30U);
}

// --- Formats -------------------------------------------------------------------------------------

TEST_F(StoreTest, ANewerFormatIsRefusedAndNamed) {
  Open();
  Close();
  std::ofstream(FileOf("FORMAT")) << "muster state 4\n";
  const std::string before = ImageOf(FileOf("db"));
  for (const OpenMode mode : {OpenMode::create_or_open, OpenMode::read_only}) {
    const Error error = OpenError(mode);
    EXPECT_EQ(error.reason, Reason::unsupported);
    EXPECT_THAT(error.message, HasSubstr("format 4"));
  }
  EXPECT_TRUE(ImageOf(FileOf("db")) == before);
}

TEST_F(StoreTest, AFormatFileOfAnotherKindIsDamage) {
  for (const char* text : {"", "muster state \n", "muster state 1", "muster state 1x\n",
                           "muster state 0\n", "muster state 99999999999\n", "elephant\n"}) {
    Open();
    Close();
    std::ofstream(FileOf("FORMAT")) << text;
    EXPECT_EQ(OpenError().reason, Reason::damage) << text;
    std::ofstream(FileOf("FORMAT")) << "muster state 1\n";
  }
}

TEST_F(StoreTest, AnUnfinishedCreationIsFinished) {
  Open();
  Close();
  std::filesystem::remove(FileOf("FORMAT"));
  EXPECT_EQ(OpenError(OpenMode::read_only).reason, Reason::not_found);
  Open();
  AcceptEach(1, 1);
  Reopen();
  EXPECT_EQ(recovered().accepted.size(), 1U);
}

}  // namespace
}  // namespace muster
