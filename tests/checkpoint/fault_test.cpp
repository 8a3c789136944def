// Disks that are full or fail while the store is in use.
#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/checkpoint/faulty_disk.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster {
namespace {

using testing::IsEmpty;

class FaultTest : public StoreFixture {
 protected:
  FaultTest() { files_ = disk_.files(); }

  Reason ReasonOf(const Status& status) {
    EXPECT_FALSE(status) << "it succeeds";
    return status ? Reason::internal : status.error().reason;
  }
  Status TryWrite(std::uint32_t salt, bool sync = true) {
    return store_->Write({.mutations = {PutAccepted{SampleAccepted(salt)}}, .sync = sync});
  }
  Status TryStage(Version version, std::size_t bytes) {
    const Bytes contents = SampleContents(version, bytes);
    auto writer = store_->BeginVersion(version);
    MUSTER_TRY(writer);
    for (std::size_t offset = 0; offset < bytes; offset += 1U << 20) {
      MUSTER_TRY((*writer)->Append(ByteSpan(contents).subspan(offset, 1U << 20)));
    }
    return (*writer)->Finish();
  }
  void ExpectAcceptedSlots(std::vector<Slot> slots) {
    std::vector<Slot> actual;
    for (const auto& update : recovered().accepted) actual.push_back(update.id.slot);
    EXPECT_EQ(actual, slots);
  }

  std::uint64_t LogBytesHeld() const {
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(FileOf("db"))) {
      if (entry.path().extension() == ".log") bytes += entry.file_size();
    }
    return bytes;
  }

  FaultyDisk disk_;
};

// --- A full disk ---------------------------------------------------------------------------------

TEST_F(FaultTest, AFullDiskRefusesBatchesUntilThereIsSpace) {
  Open();
  AcceptEach(1, 3);
  disk_.Fail(DiskOperation::append, ".log", DiskFault::no_space);
  EXPECT_EQ(ReasonOf(TryWrite(4)), Reason::disk_full);
  EXPECT_EQ(ReasonOf(TryWrite(5)), Reason::disk_full);
  disk_.Heal();
  AcceptEach(6, 7);
  Crash();
  Open();
  ExpectAcceptedSlots({1, 2, 3, 6, 7});
}

TEST_F(FaultTest, TheFirstBatchAfterOpenMayMeetAFullDisk) {
  Open();
  AcceptEach(1, 1);
  Reopen();
  disk_.Fail(DiskOperation::append, ".log", DiskFault::no_space);
  EXPECT_EQ(ReasonOf(TryWrite(2)), Reason::disk_full);
  disk_.Heal();
  AcceptEach(3, 3);
  Crash();
  Open();
  ExpectAcceptedSlots({1, 3});
}

TEST_F(FaultTest, ALogDamagedMeanwhileIsNotGoneOnFromWhenThereIsSpaceAgain) {
  for (const double place : {0.2, 0.5, 0.9}) {
    Open();
    AcceptEach(1, 9);
    disk_.Fail(DiskOperation::append, ".log", DiskFault::no_space);
    EXPECT_EQ(ReasonOf(TryWrite(10)), Reason::disk_full);
    disk_.Heal();
    const std::string log = LiveLog();
    const auto at = static_cast<std::uint64_t>(place * static_cast<double>(SizeOf(log)));
    Flip(log, at);
    const std::string before = ImageOf(FileOf("db"));
    for (int i = 0; i < 2; ++i) EXPECT_EQ(ReasonOf(TryWrite(11)), Reason::io_failed);
    EXPECT_EQ(ImageOf(FileOf("db")), before) << "something was thrown away";
    Crash();
    EXPECT_EQ(OpenError().reason, Reason::damage);
    Flip(LiveLog(), at);
    Open();
    ExpectAcceptedSlots({1, 2, 3, 4, 5, 6, 7, 8, 9});
    Close();
    std::filesystem::remove_all(directory());
  }
}

TEST_F(FaultTest, NothingIsTriedBeforeThereIsRoom) {
  Open();
  AcceptEach(1, 1);
  disk_.Fail(DiskOperation::append, ".log", DiskFault::no_space);
  disk_.Fail(DiskOperation::measure, "/db", DiskFault::no_space);
  EXPECT_EQ(ReasonOf(TryWrite(2)), Reason::disk_full);
  const int failures = disk_.failures();
  const Status again = TryWrite(2);
  EXPECT_EQ(ReasonOf(again), Reason::disk_full);
  EXPECT_EQ(disk_.failures(), failures + 1) << "more than the question for room";
  disk_.Heal();
  AcceptEach(3, 3);
  Reopen();
  ExpectAcceptedSlots({1, 3});
}

TEST_F(FaultTest, ReadsGoOnWhileTheDiskIsFull) {
  Open();
  Commit(0);
  const VersionManifest head = *store_->ReadManifest(0);
  disk_.Fail(DiskOperation::append, "/db/", DiskFault::no_space);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ReasonOf(TryWrite(1)), Reason::disk_full);
    EXPECT_TRUE(store_->ReadManifest(0));
    EXPECT_TRUE(store_->ReadVersionChunk(head, 0));
  }
  disk_.Heal();
  AcceptEach(2, 2);
  Reopen();
  ExpectAcceptedSlots({2});
}

TEST_F(FaultTest, ReadersMeetNoReopening) {
  Open();
  Commit(0);
  const VersionManifest head = *store_->ReadManifest(0);
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) EXPECT_TRUE(store_->ReadVersionChunk(head, 0));
  });
  for (std::uint32_t i = 1; i <= 5; ++i) {
    disk_.Fail(DiskOperation::append, ".log", DiskFault::no_space);
    EXPECT_EQ(ReasonOf(TryWrite(i)), Reason::disk_full);
    disk_.Heal();
    AcceptEach(i, i);
  }
  done = true;
  reader.join();
  Reopen();
  ExpectAcceptedSlots({1, 2, 3, 4, 5});
}

TEST_F(FaultTest, AVersionStagedAcrossAFullDiskIsTakenIn) {
  Open();
  Commit(1);
  auto writer = store_->BeginVersion(2);
  ASSERT_TRUE((*writer)->Append(SampleContents(2, kVersionBytes)));
  disk_.Fail(DiskOperation::append, ".log", DiskFault::no_space);
  EXPECT_EQ(ReasonOf(TryWrite(1)), Reason::disk_full);
  disk_.Heal();
  ASSERT_TRUE((*writer)->Finish());
  writer->reset();
  Write({PutVersion{SampleManifest(2, SampleContents(2, kVersionBytes))},
         PutRoundRecord{SampleRoundRecord(2)}});
  Reopen();
  EXPECT_EQ(recovered().head->version, 2U);
  EXPECT_TRUE(store_->ReadVersionChunk(*recovered().head, 0));
}

// Flushes and compactions run behind the batches here, and meet the full disk too.
TEST_F(FaultTest, AFullDiskBehindTheBatchesRefusesBatchesOnly) {
  constexpr std::size_t kJobBytes = 512U << 10;
  Open();
  AcceptEach(1, 1);
  for (const char* part : {".sst", "MANIFEST", ".log"}) {
    for (int refused = 0, i = 0; refused < 5 && i < 100; ++i) {
      if (i == 20) disk_.Fail(DiskOperation::append, part, DiskFault::no_space);
      const Status status = store_->Write({.mutations = {PutJob{{.job = Bytes(kJobBytes)}}}});
      if (!status) {
        EXPECT_EQ(status.error().reason, Reason::disk_full) << status.error().Text();
        ++refused;
      }
    }
    EXPECT_GT(disk_.failures(), 0) << part;
    disk_.Heal();
    AcceptEach(3, 3);
  }
  Crash();
  Open();
  ExpectAcceptedSlots({1, 3});
}

TEST_F(FaultTest, TheLogStaysShort) {
  constexpr std::size_t kJobBytes = 512U << 10;
  Open();
  for (int i = 0; i < 100; ++i) Write({PutJob{{.job = Bytes(kJobBytes)}}}, /*sync=*/false);
  Crash();
  EXPECT_LE(LogBytesHeld(), 16U << 20);
}

TEST_F(FaultTest, ABatchThatAFullDiskRefusedIsAbsentAfterACrash) {
  Open();
  AcceptEach(1, 1);
  disk_.Fail(DiskOperation::append, ".log", DiskFault::no_space);
  EXPECT_EQ(ReasonOf(TryWrite(2)), Reason::disk_full);
  Crash();
  disk_.Heal();
  Open();
  ExpectAcceptedSlots({1});
}

TEST_F(FaultTest, AFullDiskChangesNothingThatAStoredVersionForgets) {
  Open();
  AcceptEach(1, 2);
  disk_.Fail(DiskOperation::append, ".log", DiskFault::no_space);
  EXPECT_EQ(ReasonOf(store_->Write({.mutations = {ClearAccepted{1}}})), Reason::disk_full);
  disk_.Heal();
  AcceptEach(3, 3);
  Write({ClearAccepted{1}});
  Reopen();
  EXPECT_THAT(recovered().accepted, IsEmpty());
}

TEST_F(FaultTest, AFullDiskWhileAVersionIsStagedLeavesTheStoreUsable) {
  Open();
  Commit(1);
  disk_.Fail(DiskOperation::append, "/stage/", DiskFault::no_space);
  EXPECT_EQ(ReasonOf(TryStage(2, 4U << 20)), Reason::disk_full);
  EXPECT_THAT(StagedFiles(), IsEmpty());
  disk_.Heal();
  Commit(2);
  Reopen();
  EXPECT_EQ(recovered().head->version, 2U);
}

TEST_F(FaultTest, AFullDiskWhileAVersionIsTakenInLeavesTheStoreUsable) {
  Open();
  Commit(1);
  disk_.Fail(DiskOperation::append, "MANIFEST", DiskFault::no_space);
  EXPECT_EQ(ReasonOf(TryStage(2, 1U << 20)), Reason::disk_full);
  disk_.Heal();
  AcceptEach(1, 1);
  Commit(2);
  Reopen();
  EXPECT_EQ(recovered().head->version, 2U);
  EXPECT_TRUE(store_->ReadVersionChunk(*recovered().head, 0));
}

TEST_F(FaultTest, AVersionIsNeverCopiedInsteadOfMoved) {
  Open();
  disk_.Fail(DiskOperation::link, "/db/", DiskFault::input_output);
  EXPECT_EQ(ReasonOf(TryStage(1, 1U << 20)), Reason::io_failed);
}

TEST_F(FaultTest, AWitnessThatFindsNoSpaceDoesNotUndoTheBatch) {
  Open();
  disk_.Fail(DiskOperation::positioned_write, "witness", DiskFault::no_space);
  AcceptEach(1, 2);
  Crash();
  Open();
  ExpectAcceptedSlots({1, 2});
}

// --- A failing disk ------------------------------------------------------------------------------

TEST_F(FaultTest, AFailedSyncOfTheLogEndsAllWriting) {
  Open();
  AcceptEach(1, 1);
  disk_.Fail(DiskOperation::sync, ".log", DiskFault::input_output);
  EXPECT_EQ(ReasonOf(TryWrite(2)), Reason::io_failed);
  disk_.Heal();
  EXPECT_EQ(ReasonOf(TryWrite(3)), Reason::io_failed);
  EXPECT_EQ(ReasonOf(TryWrite(4, /*sync=*/false)), Reason::io_failed);
  EXPECT_EQ(ReasonOf(TryStage(1, 1U << 20)), Reason::io_failed);
}

TEST_F(FaultTest, ASyncThatFailsForWantOfSpaceIsAFailedSync) {
  Open();
  disk_.Fail(DiskOperation::sync, ".log", DiskFault::no_space);
  EXPECT_EQ(ReasonOf(TryWrite(1)), Reason::io_failed);
  disk_.Heal();
  EXPECT_EQ(ReasonOf(TryWrite(2)), Reason::io_failed);
}

TEST_F(FaultTest, AFailedSyncOfAStagedVersionIsAFailedSync) {
  Open();
  disk_.Fail(DiskOperation::sync, "/stage/", DiskFault::no_space);
  EXPECT_EQ(ReasonOf(TryStage(1, 1U << 20)), Reason::io_failed);
  disk_.Heal();
  EXPECT_EQ(ReasonOf(TryWrite(1)), Reason::io_failed);
}

TEST_F(FaultTest, AFailedAppendEndsAllWriting) {
  Open();
  disk_.Fail(DiskOperation::append, ".log", DiskFault::input_output);
  EXPECT_EQ(ReasonOf(TryWrite(1)), Reason::io_failed);
  disk_.Heal();
  EXPECT_EQ(ReasonOf(TryWrite(2)), Reason::io_failed);
}

TEST_F(FaultTest, AFailedWitnessIsAFailedDisk) {
  Open();
  disk_.Fail(DiskOperation::positioned_write, "witness", DiskFault::input_output);
  EXPECT_EQ(ReasonOf(TryWrite(1)), Reason::io_failed);
}

TEST_F(FaultTest, AFailedCreationIsTriedAgainFromTheStart) {
  for (const char* part : {"witness", "MANIFEST", "dbtmp", "FORMAT"}) {
    disk_.Fail(DiskOperation::append, part, DiskFault::input_output);
    EXPECT_EQ(OpenError().reason, Reason::io_failed) << part;
    disk_.Heal();
  }
  Open();
  AcceptEach(1, 1);
  Reopen();
  ExpectAcceptedSlots({1});
}

}  // namespace
}  // namespace muster
