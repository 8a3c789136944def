// Disks that are full or fail while the store is in use.
#include <gmock/gmock.h>

#include <filesystem>
#include <string>
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

TEST_F(FaultTest, ALongLogIsGivenUpAndTheStoreStaysUsable) {
  constexpr std::size_t kJobBytes = 512U << 10;
  Open();
  for (std::uint32_t i = 1; i <= 100; ++i) {
    Write({PutJob{{.job = Bytes(kJobBytes, static_cast<std::byte>(i))}}}, /*sync=*/false);
    if (i % 10 != 0) continue;
    disk_.Fail(DiskOperation::append, ".log", DiskFault::no_space);
    EXPECT_EQ(ReasonOf(TryWrite(i)), Reason::disk_full);
    disk_.Heal();
  }
  for (std::uint32_t i = 1; i <= 100; ++i) {
    Write({PutJob{{.job = Bytes(kJobBytes, static_cast<std::byte>(i))}}}, /*sync=*/false);
  }
  AcceptEach(1, 3);
  EXPECT_LE(LogBytesHeld(), 24U << 20);
  Crash();
  Open();
  ExpectAcceptedSlots({1, 2, 3});
  EXPECT_EQ(recovered().job->job, Bytes(kJobBytes, std::byte{100}));
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

TEST_F(FaultTest, AFullDiskChangesNothingThatAClosedRoundForgets) {
  Open();
  AcceptEach(1, 2);
  disk_.Fail(DiskOperation::append, ".log", DiskFault::no_space);
  EXPECT_EQ(ReasonOf(store_->Write({.mutations = {ClearOpenRound{}}})), Reason::disk_full);
  disk_.Heal();
  AcceptEach(3, 3);
  Write({ClearOpenRound{}});
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
