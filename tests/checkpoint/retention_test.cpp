// Which versions go, and that their space comes back while all that tells of them stays.
#include "checkpoint/retention.h"

#include <gmock/gmock.h>
#include <rocksdb/file_system.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/export.h"
#include "checkpoint/internal/damaged.h"
#include "tests/checkpoint/faulty_disk.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::set<Version> kTen = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

TEST(RetentionTest, TheNewestStay) {
  EXPECT_THAT(VersionsToDrop(kTen, {3, 0}, {}), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(VersionsToDrop(kTen, {1, 0}, {}), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(RetentionTest, ZeroKeepsAll) {
  EXPECT_THAT(VersionsToDrop(kTen, {0, 0}, {}), IsEmpty());
  EXPECT_THAT(VersionsToDrop(kTen, {0, 4}, {}), IsEmpty());
}

TEST(RetentionTest, FewerThanThePolicyAsksForStay) {
  EXPECT_THAT(VersionsToDrop(kTen, {10, 0}, {}), IsEmpty());
  EXPECT_THAT(VersionsToDrop(kTen, {UINT64_MAX, 0}, {}), IsEmpty());
  EXPECT_THAT(VersionsToDrop({}, {2, 0}, {}), IsEmpty());
}

TEST(RetentionTest, EverySoManiethStaysBesides) {
  EXPECT_THAT(VersionsToDrop(kTen, {2, 4}, {}), ElementsAre(1, 2, 3, 5, 6, 7));
}

TEST(RetentionTest, WhatIsInUseStays) {
  EXPECT_THAT(VersionsToDrop(kTen, {2, 0}, {1, 7}), ElementsAre(0, 2, 3, 4, 5, 6));
}

TEST(RetentionTest, TheNewestAreCountedAmongThoseThatAreHeld) {
  EXPECT_THAT(VersionsToDrop({0, 4, 7, 20}, {2, 0}, {}), ElementsAre(0, 4));
}

TEST(RetentionTest, RoomIsAskedForTheOldestBesideTheNewest) {
  EXPECT_EQ(VersionsHeldAtATime({10, 0}), 11U);
  EXPECT_EQ(VersionsHeldAtATime({1, 0}), 2U);
  EXPECT_EQ(VersionsHeldAtATime({0, 3}), 2U);
}

class DropTest : public StoreFixture {
 protected:
  static constexpr std::size_t kBytes = 3U << 20;

  void OpenWithFour() {
    Open();
    for (Version version = 0; version <= 3; ++version) Commit(version, kBytes);
  }
  void Drop(Version version) {
    const Status dropped = store_->DropVersion(version);
    ASSERT_TRUE(dropped) << dropped.error().Text();
  }
  std::uint64_t BytesOnDisk() const {
    std::uint64_t bytes = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(directory())) {
      if (file.is_regular_file()) bytes += file.file_size();
    }
    return bytes;
  }
  bool CanRead(Version version) {
    return store_->ReadVersionChunk(*store_->ReadManifest(version), 0).has_value();
  }
};

// The files of removed versions are gone at once; what names the newer ones must not lie in the log
// alone then, or damage in it leaves nothing to go on from.
TEST_F(DropTest, WhereverTheLogIsDamagedAVersionIsLeftToGoOnFrom) {
  constexpr Version kLast = 20;
  constexpr Version kKept = 3;
  Open();
  Write({PutLineage{{{1, 11}, 0, 0}}});
  for (Version version = 0; version <= kLast; ++version) {
    Commit(version);
    if (version >= kKept) Drop(version - kKept);
  }
  Crash();
  const std::uint64_t log_bytes = SizeOf(LiveLog());
  for (std::uint64_t tenth = 0; tenth < 10; ++tenth) {
    const std::string copy = temporary_ / ("copy-" + std::to_string(tenth));
    std::filesystem::copy(directory(), copy, std::filesystem::copy_options::recursive);
    Truncate(copy + LiveLog().substr(directory().size()), log_bytes * tenth / 10);
    const auto damaged =
        checkpoint::OpenDamagedToRead(rocksdb::FileSystem::Default(), copy, StateKey());
    ASSERT_TRUE(damaged) << damaged.error().Text();
    EXPECT_TRUE(damaged->findings.log_damaged);
    const CheckpointStore& store = *damaged->store;
    ASSERT_TRUE(store.recovered().head) << tenth << " tenths of the log";
    EXPECT_THAT(damaged->store->HeldVersions(),
                testing::Contains(testing::Le(store.recovered().head->version)))
        << tenth << " tenths of the log";
  }
}

/// Calls `meanwhile` when the next sorted file of the database is begun.
class BesideFlush : public rocksdb::FileSystemWrapper {
 public:
  BesideFlush() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "BesideFlush"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* dbg) override {
    if (path.ends_with(".sst") && path.find("/db/") != std::string::npos && meanwhile) {
      std::exchange(meanwhile, {})();
    }
    return target()->NewWritableFile(path, options, result, dbg);
  }

  std::function<void()> meanwhile;
};

// Each family is written out by itself: a batch in between would lie in the sorted files of one and
// in the log of another, and damage in that log would leave a state that nothing opens.
TEST_F(DropTest, ABatchBesideTheWritingOutIsInTheLogAsAWhole) {
  constexpr Version kLast = 3;
  const auto files = std::make_shared<BesideFlush>();
  files_ = files;
  Open();
  Write({PutLineage{{{1, 11}, 0, 0}}});
  for (Version version = 0; version <= kLast; ++version) Commit(version);
  Stage(kLast + 1);
  std::future<void> commit;
  files->meanwhile = [&] {
    commit = std::async(std::launch::async, [this] { CommitUnstored(kLast + 1); });
    // Time to get in between; it may have to wait for the end.
    commit.wait_for(std::chrono::milliseconds(300));
  };
  Drop(0);
  ASSERT_TRUE(commit.valid()) << "nothing was written out";
  commit.get();
  Write({PutRosterEntry{SampleRosterEntry(1)}});
  Crash();
  int places = 0;
  for (const auto& entry : std::filesystem::directory_iterator(FileOf("db"))) {
    if (entry.path().extension() != ".log") continue;
    for (std::uint64_t offset = 10; offset < entry.file_size(); offset += 50, ++places) {
      const std::string copy = temporary_ / ("copy-" + std::to_string(places));
      std::filesystem::copy(directory(), copy, std::filesystem::copy_options::recursive);
      Flip(copy + "/db/" + entry.path().filename().string(), offset);
      const auto damaged =
          checkpoint::OpenDamagedToRead(rocksdb::FileSystem::Default(), copy, StateKey());
      ASSERT_TRUE(damaged) << damaged.error().Text();
      const CheckpointStore& store = *damaged->store;
      ASSERT_TRUE(store.recovered().head);
      EXPECT_THAT(damaged->store->HeldVersions(),
                  testing::Contains(testing::Le(store.recovered().head->version)));
    }
  }
  EXPECT_GT(places, 5);
}

TEST_F(DropTest, TheSpaceComesBackAtOnce) {
  OpenWithFour();
  const std::uint64_t before = BytesOnDisk();
  Drop(0);
  Drop(2);
  EXPECT_LE(BytesOnDisk(), before - 2 * kBytes);
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(1, 3));
  EXPECT_FALSE(CanRead(0));
  EXPECT_TRUE(CanRead(1));
  EXPECT_TRUE(CanRead(3));
}

TEST_F(DropTest, RecordAndManifestStay) {
  OpenWithFour();
  Drop(2);
  EXPECT_EQ(store_->ReadRoundRecord(2)->version, 2U);
  EXPECT_EQ(store_->ReadManifest(2)->version, 2U);
}

TEST_F(DropTest, ADroppedVersionStaysAwayAfterAReopen) {
  OpenWithFour();
  Drop(1);
  Crash();
  Open();
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 2, 3));
  EXPECT_THAT(OpenReader()->HeldVersions(), ElementsAre(0, 2, 3));
  EXPECT_FALSE(CanRead(1));
}

TEST_F(DropTest, DroppingTwiceIsAsDroppingOnce) {
  OpenWithFour();
  Drop(1);
  Drop(1);
  Drop(77);
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 2, 3));
}

TEST_F(DropTest, AFullDiskLeavesTheVersionAndItIsDroppedLater) {
  FaultyDisk disk;
  files_ = disk.files();
  OpenWithFour();
  disk.Fail(DiskOperation::append, "MANIFEST", DiskFault::no_space);
  const Status refused = store_->DropVersion(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::disk_full);
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 1, 2, 3));
  disk.Heal();
  EXPECT_TRUE(CanRead(1));
  Drop(1);
  EXPECT_FALSE(CanRead(1));
  Commit(4, kBytes);
  Reopen();
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 2, 3, 4));
}

TEST_F(DropTest, AVersionWhoseChunksWereWrittenTwiceGoesWhole) {
  Open();
  Commit(0, kBytes);
  AcceptEach(1, 3);
  CommitUnstored(1, kBytes);
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0));
  Stage(1, kBytes);
  Write({ClearAccepted{1}});
  Commit(2, kBytes);
  const std::uint64_t before = BytesOnDisk();
  Drop(1);
  // The log is written out for it, which takes some room of its own.
  EXPECT_LE(BytesOnDisk(), before - kBytes + (64U << 10));
  Reopen();
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 2));
}

TEST_F(DropTest, AnExportOfADroppedVersionSaysThatItIsNotHeld) {
  OpenWithFour();
  Drop(1);
  const auto exported = ExportVersion(*store_, 1, temporary_ / "model.safetensors");
  ASSERT_FALSE(exported);
  EXPECT_EQ(exported.error().reason, Reason::not_found);
  EXPECT_THAT(exported.error().message, HasSubstr("checkpoint.keep_last"));
  EXPECT_EQ(*ExportVersion(*store_, 2, temporary_ / "model.safetensors"), 2U);
}

TEST_F(DropTest, TheStateReadAgainIsTheStateNow) {
  OpenWithFour();
  EXPECT_FALSE(recovered().head);
  const auto now = store_->ReadState();
  ASSERT_TRUE(now) << now.error().Text();
  EXPECT_EQ(now->head->version, 3U);
  EXPECT_EQ(now->last_record->version, 3U);
}

}  // namespace
}  // namespace muster
