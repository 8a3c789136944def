// Damage and torn ends of what lies on the disk: the first is told, the second forgiven.
#include <gmock/gmock.h>

#include <rocksdb/file_system.h>
#include <rocksdb/status.h>

#include <filesystem>
#include <string>

#include "checkpoint/internal/damaged.h"
#include "checkpoint/internal/files.h"
#include "common/limits.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster {
namespace {

using testing::HasSubstr;

class DamageTest : public StoreFixture {
 protected:
  static constexpr std::uint32_t kUpdates = 30;

  /// A store with that many synced batches in its live log, killed.
  void CrashWithALog() {
    Open();
    AcceptEach(1, kUpdates);
    Crash();
  }

  std::uint64_t LogBytes() const { return SizeOf(LiveLog()); }
};

TEST_F(DamageTest, AnUntouchedLogOpens) {
  CrashWithALog();
  Open();
  EXPECT_EQ(recovered().accepted.size(), kUpdates);
}

TEST_F(DamageTest, AFlippedBitInTheMiddleOfTheLogIsDamage) {
  CrashWithALog();
  Flip(LiveLog(), LogBytes() / 2);
  const Error error = OpenError();
  EXPECT_EQ(error.reason, Reason::damage);
  EXPECT_THAT(error.message, HasSubstr("batch 30 was synced"));
}

TEST_F(DamageTest, AFlippedBitInTheLastSyncedBatchIsDamage) {
  CrashWithALog();
  Flip(LiveLog(), LogBytes() - 10);
  const Error error = OpenError();
  EXPECT_EQ(error.reason, Reason::damage);
  EXPECT_THAT(error.message, HasSubstr("ends at batch 29"));
}

TEST_F(DamageTest, WhatRocksDbSaysOfItIsOneLine) {
  const auto status = rocksdb::Status::Corruption("\nthe first line\n", "  the\tsecond\r\n\n");
  EXPECT_EQ(checkpoint::ErrorOf(status, "open x").message,
            "cannot open x: Corruption: the first line : the second");
}

TEST_F(DamageTest, AReaderTellsDamageToo) {
  CrashWithALog();
  Flip(LiveLog(), LogBytes() / 2);
  EXPECT_EQ(OpenError(OpenMode::read_only).reason, Reason::damage);
}

TEST_F(DamageTest, TellingDamageLeavesTheDatabaseAsItLies) {
  CrashWithALog();
  Flip(LiveLog(), LogBytes() / 2);
  const std::string before = ImageOf(FileOf("db"));
  EXPECT_EQ(OpenError().reason, Reason::damage);
  EXPECT_TRUE(ImageOf(FileOf("db")) == before);
  EXPECT_EQ(OpenError().reason, Reason::damage) << "a second open tells the same";
}

TEST_F(DamageTest, ATornEndBehindTheWitnessIsForgiven) {
  Open();
  AcceptEach(1, 5);
  AcceptEach(6, 6, /*sync=*/false);
  Crash();
  Truncate(LiveLog(), LogBytes() - 3);
  Open();
  EXPECT_EQ(recovered().accepted.size(), 5U);
}

TEST_F(DamageTest, ATornBatchIsAbsentAsAWhole) {
  Open();
  AcceptEach(1, 1);
  const std::uint64_t before = LogBytes();
  Write({PutJob{SampleJob()}, PutAccepted{SampleAccepted(2)}, PutFate{SampleFate(3, 1)}},
        /*sync=*/false);
  const std::uint64_t after = LogBytes();
  Crash();
  const std::string whole = directory();
  for (std::uint64_t size = before; size <= after; size += (after - before) / 7) {
    current_ = temporary_ / ("cut-" + std::to_string(size));
    std::filesystem::copy(whole, current_, std::filesystem::copy_options::recursive);
    Truncate(LiveLog(), size);
    Open();
    const bool complete = size == after;
    EXPECT_EQ(recovered().accepted.size(), complete ? 2U : 1U) << size;
    EXPECT_EQ(recovered().job.has_value(), complete) << size;
    EXPECT_EQ(recovered().fates.size(), complete ? 1U : 0U) << size;
    Close();
  }
}

TEST_F(DamageTest, ALogCutBeforeTheWitnessIsDamage) {
  CrashWithALog();
  Truncate(LiveLog(), LogBytes() - 3);
  EXPECT_EQ(OpenError().reason, Reason::damage);
}

/// A quarter of a megabyte of one family.
PutVersion BulkyManifest(Version version) {
  constexpr std::size_t kTensors = 1'000;
  VersionManifest manifest{.version = version};
  for (std::size_t i = 0; i < kTensors; ++i) {
    manifest.tensors.push_back({.name = std::string(limits::kTensorNameBytesMax, 't')});
  }
  return {manifest};
}

// RocksDB itself writes out one family at a time; what the others have of the same batches would
// lie in a log alone that no longer goes with it.
TEST_F(DamageTest, WhereverALongLogIsDamagedTheStateBeforeItIsThere) {
  Open();
  Commit(0);
  for (Version version = 1; version <= 42; ++version) {
    Write({BulkyManifest(version), PutRosterEntry{SampleRosterEntry(1)}});
  }
  Crash();
  int copies = 0;
  for (const auto& entry : std::filesystem::directory_iterator(FileOf("db"))) {
    if (entry.path().extension() != ".log") continue;
    for (std::uint64_t part = 0; part < 4 && entry.file_size() > 100; ++part, ++copies) {
      const std::string copy = temporary_ / ("copy-" + std::to_string(copies));
      std::filesystem::copy(directory(), copy, std::filesystem::copy_options::recursive);
      Flip(copy + "/db/" + entry.path().filename().string(), 10 + entry.file_size() * part / 4);
      const auto damaged =
          checkpoint::OpenDamagedToRead(rocksdb::FileSystem::Default(), copy, StateKey());
      ASSERT_TRUE(damaged) << damaged.error().Text();
      EXPECT_TRUE(damaged->store->recovered().head);
    }
  }
  EXPECT_GT(copies, 0);
}

TEST_F(DamageTest, AMissingLogIsDamage) {
  CrashWithALog();
  std::filesystem::remove(LiveLog());
  EXPECT_EQ(OpenError().reason, Reason::damage);
}

// The manifest notes the database's own sequence number with every file it takes in, so that number
// would vouch for batches that the log has lost.
TEST_F(DamageTest, ATakenInVersionDoesNotHideALostBatch) {
  Open();
  AcceptEach(1, kUpdates);
  Stage(1);
  Crash();
  Flip(LiveLog(), LogBytes() / 2);
  EXPECT_EQ(OpenError().reason, Reason::damage);
}

TEST_F(DamageTest, ReopeningKeepsTheWitnessInForce) {
  Open();
  AcceptEach(1, 5);
  Reopen();
  AcceptEach(6, 10);
  Crash();
  Truncate(LiveLog(), LogBytes() - 3);
  const Error error = OpenError();
  EXPECT_EQ(error.reason, Reason::damage);
  EXPECT_THAT(error.message, HasSubstr("batch 10 was synced"));
}

TEST_F(DamageTest, OneTornSlotOfTheWitnessIsForgiven) {
  for (const std::uint64_t slot : {0U, 4096U}) {
    CrashWithALog();
    Flip(FileOf("witness"), slot + 9);
    Open();
    EXPECT_EQ(recovered().accepted.size(), kUpdates);
    Close();
    current_ = temporary_ / ("again-" + std::to_string(slot));
  }
}

TEST_F(DamageTest, AWitnessWithoutAWholeSlotIsDamage) {
  CrashWithALog();
  Flip(FileOf("witness"), 9);
  Flip(FileOf("witness"), 4096 + 17);
  const Error error = OpenError();
  EXPECT_EQ(error.reason, Reason::damage);
  EXPECT_THAT(error.message, HasSubstr("no longer tells how far the log goes"));
}

TEST_F(DamageTest, AMissingWitnessIsDamage) {
  CrashWithALog();
  std::filesystem::remove(FileOf("witness"));
  for (const OpenMode mode : {OpenMode::read_only, OpenMode::create_or_open}) {
    const Error error = OpenError(mode);
    EXPECT_EQ(error.reason, Reason::damage);
    EXPECT_THAT(error.message, HasSubstr("witness is gone"));
  }
  EXPECT_FALSE(std::filesystem::exists(FileOf("witness"))) << "none is put in its place";
}

// --- Other files ---------------------------------------------------------------------------------

TEST_F(DamageTest, AMissingFormatFileOfAStateInUseIsDamage) {
  CrashWithALog();
  std::filesystem::remove(FileOf("FORMAT"));
  EXPECT_EQ(OpenError().reason, Reason::damage);
  std::filesystem::remove(FileOf("witness"));
  EXPECT_EQ(OpenError().reason, Reason::damage);
}

TEST_F(DamageTest, AMissingDatabaseIsDamage) {
  CrashWithALog();
  std::filesystem::remove_all(FileOf("db"));
  EXPECT_EQ(OpenError().reason, Reason::damage);
  EXPECT_FALSE(std::filesystem::exists(FileOf("db"))) << "no new one is put in its place";
}

TEST_F(DamageTest, ADamagedChunkIsNamed) {
  Open();
  Commit(3, 3U << 20);
  Close();
  const Bytes contents = SampleContents(3, 3U << 20);
  const std::string_view second = AsText(contents).substr(1U << 20, 32);
  for (const std::string& path : SortedFiles()) {
    if (SizeOf(path) > (3U << 20)) Flip(path, Find(path, second) + 1000);
  }
  Open();
  EXPECT_TRUE(store_->ReadVersionChunk(*recovered().head, 0));
  const auto chunk = store_->ReadVersionChunk(*recovered().head, 1);
  ASSERT_FALSE(chunk);
  EXPECT_EQ(chunk.error().reason, Reason::damage);
  EXPECT_THAT(chunk.error().message, HasSubstr("chunk 1 of version 3"));
  EXPECT_TRUE(store_->ReadVersionChunk(*recovered().head, 2));
}

TEST_F(DamageTest, AChunkThatTheManifestDoesNotNameIsDamage) {
  Open();
  Commit(3);
  VersionManifest forged = *store_->ReadManifest(3);
  forged.chunk_digests[0][5] ^= std::byte{1};
  const auto chunk = store_->ReadVersionChunk(forged, 0);
  EXPECT_EQ(chunk.error().reason, Reason::damage);
  EXPECT_THAT(chunk.error().message, HasSubstr("chunk 0 of version 3"));
}

TEST_F(DamageTest, AHeadWhoseFileIsGoneIsDamage) {
  Open();
  Commit(3, 3U << 20);
  Close();
  for (const std::string& path : SortedFiles()) {
    if (SizeOf(path) > (3U << 20)) std::filesystem::remove(path);
  }
  const auto store = OpenCheckpointStore(directory(), OpenMode::create_or_open);
  EXPECT_FALSE(store);
}

TEST_F(DamageTest, ADamagedMetadataFileIsDamage) {
  Open();
  Write({PutJob{SampleJob()}});
  Reopen();  // Moves the log's batches to sorted files.
  Close();
  for (const std::string& path : SortedFiles()) Flip(path, 20);
  EXPECT_EQ(OpenError().reason, Reason::damage);
}

}  // namespace
}  // namespace muster
