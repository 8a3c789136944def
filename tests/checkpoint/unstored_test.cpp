// Heads that are committed but not stored: what an open makes of them, of the updates that they
// follow from, and of the directories of builds that knew no such heads.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/checkpoint/faulty_disk.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Slot> SlotsOf(const std::vector<AcceptedUpdate>& updates) {
  std::vector<Slot> slots;
  for (const AcceptedUpdate& update : updates) slots.push_back(update.id.slot);
  return slots;
}

std::vector<Slot> SlotsIn(const RoundRecord& record) {
  std::vector<Slot> slots;
  for (const RecordedUpdate& update : record.accepted) slots.push_back(update.id.slot);
  return slots;
}

/// Round 1 has the salts below 100, round 2 those from 100 on (SampleId).
class UnstoredTest : public StoreFixture {
 protected:
  /// Version 0 stored, version 1 committed with updates 1 to 3, its chunks on their way.
  void OpenWithUnstoredHead() {
    Open();
    Commit(0);
    AcceptEach(1, 3);
    CommitUnstored(1);
  }
  bool CanRead(CheckpointStore& store, Version version) {
    return store.ReadVersionChunk(*store.ReadManifest(version), 0).has_value();
  }
  std::string Format() const {
    std::ifstream file(FileOf("FORMAT"));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void SetFormat(const char* text) { std::ofstream(FileOf("FORMAT")) << text; }
};

TEST_F(UnstoredTest, UpdatesOfHeadAreToldFromThoseOfTheOpenRound) {
  OpenWithUnstoredHead();
  Write({PutOpenRound{SampleOpenRound(2)}});
  AcceptEach(100, 101);
  Crash();
  Open();
  EXPECT_THAT(SlotsOf(recovered().unstored), ElementsAre(1, 2, 3));
  EXPECT_THAT(SlotsOf(recovered().accepted), ElementsAre(100, 101));
  EXPECT_THAT(SlotsIn(*recovered().last_record), ElementsAre(1));
}

TEST_F(UnstoredTest, UpdatesOfARoundWithoutAVersionAreAccepted) {
  Open();
  Commit(0);
  AcceptEach(1, 2);
  Reopen();
  EXPECT_THAT(SlotsOf(recovered().accepted), ElementsAre(1, 2));
  EXPECT_THAT(recovered().unstored, IsEmpty());
}

TEST_F(UnstoredTest, AHeadWithoutChunksOpensAndIsNotHeld) {
  OpenWithUnstoredHead();
  const auto reader = OpenReader();
  EXPECT_EQ(reader->recovered().head->version, 1U);
  EXPECT_THAT(reader->HeldVersions(), ElementsAre(0));
  EXPECT_THAT(SlotsOf(reader->recovered().unstored), ElementsAre(1, 2, 3));
  EXPECT_TRUE(CanRead(*reader, 0));
  EXPECT_EQ(reader->ReadVersionChunk(*reader->recovered().head, 0).error().reason,
            Reason::not_found);
  Crash();
  Open();
  EXPECT_EQ(recovered().head->version, 1U);
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0));
}

TEST_F(UnstoredTest, AnUnstoredHeadIsStoredAfterAReopen) {
  OpenWithUnstoredHead();
  Crash();
  Open();
  Stage(1);
  EXPECT_TRUE(CanRead(*store_, 1));
  Write({ClearAccepted{1}});
  Reopen();
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 1));
  EXPECT_THAT(recovered().unstored, IsEmpty());
  EXPECT_TRUE(CanRead(*store_, 1));
}

TEST_F(UnstoredTest, ChunksOfACommittedHeadAreNotSwept) {
  OpenWithUnstoredHead();
  Stage(1);
  Crash();
  Open();
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 1));
  EXPECT_TRUE(CanRead(*store_, 1));
}

TEST_F(UnstoredTest, AHeadWithoutChunksOrUpdatesIsDamage) {
  OpenWithUnstoredHead();
  Write({ClearAccepted{1}});
  Close();
  const std::string before = ImageOf(FileOf("db"));
  for (const OpenMode mode : {OpenMode::create_or_open, OpenMode::read_only}) {
    const Error error = OpenError(mode);
    EXPECT_EQ(error.reason, Reason::damage);
    EXPECT_THAT(error.message, HasSubstr("manifest/0000000000000001"));
  }
  EXPECT_TRUE(ImageOf(FileOf("db")) == before) << "telling damage changes nothing";
}

TEST_F(UnstoredTest, AnUnstoredHeadWithoutItsParentIsDamage) {
  Open();
  CommitUnstored(0);
  AcceptEach(1, 3);
  CommitUnstored(1);
  Close();
  const Error error = OpenError();
  EXPECT_EQ(error.reason, Reason::damage);
  EXPECT_THAT(error.message, HasSubstr("manifest/0000000000000000"));
}

TEST_F(UnstoredTest, UpdatesOfAnOpenRoundDoNotReplaceTheChunksOfHead) {
  Open();
  Commit(0);
  CommitUnstored(1);
  AcceptEach(100, 101);
  Close();
  EXPECT_EQ(OpenError().reason, Reason::damage);
}

TEST_F(UnstoredTest, UpdatesAreClearedUpToTheRoundOnly) {
  OpenWithUnstoredHead();
  AcceptEach(100, 101);
  Stage(1);
  Write({ClearAccepted{1}});
  Reopen();
  EXPECT_THAT(recovered().unstored, IsEmpty());
  EXPECT_THAT(SlotsOf(recovered().accepted), ElementsAre(100, 101));
}

TEST_F(UnstoredTest, AClearanceCoversEarlierRoundsAndItsOwnBatch) {
  OpenWithUnstoredHead();
  Write({PutAccepted{SampleAccepted(100)}, PutAccepted{SampleAccepted(200)}, ClearAccepted{2},
         PutAccepted{SampleAccepted(201)}, PutAccepted{SampleAccepted(4)}});
  Stage(1);
  Reopen();
  EXPECT_THAT(SlotsOf(recovered().unstored), ElementsAre(4)) << "accepted behind the clearance";
  EXPECT_THAT(SlotsOf(recovered().accepted), ElementsAre(200, 201));
  Write({ClearAccepted{3}});
  Reopen();
  EXPECT_THAT(recovered().unstored, IsEmpty());
  EXPECT_THAT(recovered().accepted, IsEmpty());
}

TEST_F(UnstoredTest, ALostClearanceDoesNoHarm) {
  OpenWithUnstoredHead();
  Stage(1);
  Write({ClearAccepted{1}}, /*sync=*/false);
  Crash();
  Truncate(LiveLog(), SizeOf(LiveLog()) - 3);
  Open();
  EXPECT_THAT(SlotsOf(recovered().unstored), ElementsAre(1, 2, 3));
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 1));
  Write({ClearAccepted{1}});
  AcceptEach(100, 100);
  CommitUnstored(2);
  Reopen();
  EXPECT_THAT(SlotsOf(recovered().unstored), ElementsAre(100));
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 1));
}

TEST_F(UnstoredTest, WhatAnEarlierRoundLeftIsNeitherAcceptedNorUnstored) {
  OpenWithUnstoredHead();
  Stage(1);
  AcceptEach(100, 100);
  CommitUnstored(2);
  Reopen();
  EXPECT_THAT(SlotsOf(recovered().unstored), ElementsAre(100));
  EXPECT_THAT(recovered().accepted, IsEmpty());
  Stage(2);
  Write({ClearAccepted{2}});
  Write({PutFate{SampleFate(1, 1)}});
  Reopen();
  EXPECT_THAT(recovered().unstored, IsEmpty());
}

TEST_F(UnstoredTest, AFullDiskWhileHeadIsStoredLeavesItUnstored) {
  FaultyDisk disk;
  files_ = disk.files();
  OpenWithUnstoredHead();
  const Bytes contents = SampleContents(1, kVersionBytes);
  for (const char* part : {"/stage/", "MANIFEST"}) {
    disk.Fail(DiskOperation::append, part, DiskFault::no_space);
    auto writer = store_->BeginVersion(1);
    ASSERT_TRUE(writer);
    Status status = (*writer)->Append(contents);
    if (status) status = (*writer)->Finish();
    ASSERT_FALSE(status) << part;
    EXPECT_EQ(status.error().reason, Reason::disk_full) << part;
    disk.Heal();
    EXPECT_FALSE(CanRead(*store_, 1)) << part;
  }
  Stage(1);
  Write({ClearAccepted{1}});
  Reopen();
  EXPECT_TRUE(CanRead(*store_, 1));
}

// --- Directories of format 1 ---------------------------------------------------------------------

TEST_F(UnstoredTest, AnOlderFormatIsUpgradedByTheFirstWriter) {
  Open();
  Commit(0);
  Commit(1);
  Write({PutOpenRound{SampleOpenRound(2)}});
  AcceptEach(100, 101);
  Close();
  SetFormat("muster state 1\n");
  Open();
  EXPECT_EQ(Format(), "muster state 2\n");
  EXPECT_EQ(recovered().head->version, 1U);
  EXPECT_THAT(SlotsOf(recovered().accepted), ElementsAre(100, 101));
  EXPECT_THAT(recovered().unstored, IsEmpty());
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 1));
  CommitUnstored(2);
  Write({ClearOpenRound{}});
  Reopen();
  EXPECT_THAT(SlotsOf(recovered().unstored), ElementsAre(100, 101));
}

TEST_F(UnstoredTest, AReaderLeavesAnOlderFormatAsItIs) {
  Open();
  Commit(0);
  Close();
  SetFormat("muster state 1\n");
  const std::string before = ImageOf(directory());
  EXPECT_TRUE(CanRead(*OpenReader(), 0));
  EXPECT_TRUE(ImageOf(directory()) == before);
}

TEST_F(UnstoredTest, ADamagedStateOfAnOlderFormatIsNotUpgraded) {
  Open();
  AcceptEach(1, 30);
  Crash();
  SetFormat("muster state 1\n");
  Flip(LiveLog(), SizeOf(LiveLog()) / 2);
  EXPECT_EQ(OpenError().reason, Reason::damage);
  EXPECT_EQ(Format(), "muster state 1\n");
}

TEST_F(UnstoredTest, AnUpgradeThatFindsNoSpaceIsTriedAgain) {
  FaultyDisk disk;
  files_ = disk.files();
  Open();
  Commit(0);
  Close();
  SetFormat("muster state 1\n");
  disk.Fail(DiskOperation::append, "FORMAT", DiskFault::no_space);
  EXPECT_EQ(OpenError().reason, Reason::disk_full);
  EXPECT_EQ(Format(), "muster state 1\n");
  disk.Heal();
  Open();
  EXPECT_EQ(Format(), "muster state 2\n");
}

}  // namespace
}  // namespace muster
