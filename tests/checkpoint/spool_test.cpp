// The spool: extents, growth, threads, and disks that are full or fail.
#include "checkpoint/spool.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "checkpoint/internal/file_system.h"
#include "tests/checkpoint/faulty_disk.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"
#include "tests/support/temp_dir.h"

namespace muster {
namespace {

class SpoolTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kExtentBytes = 8192;

  void Open() {
    auto spool = checkpoint::OpenSpoolOn(disk_.files(), directory_.path());
    ASSERT_TRUE(spool) << spool.error().Text();
    spool_ = std::move(*spool);
  }
  void Prepare(std::uint32_t count, std::uint64_t bytes = kExtentBytes) {
    const Status status = spool_->Prepare(bytes, count);
    ASSERT_TRUE(status) << status.error().Text();
  }
  void Write(std::uint32_t extent, std::uint64_t offset, ByteSpan bytes) {
    const Status status = spool_->Write(extent, offset, bytes);
    ASSERT_TRUE(status) << status.error().Text();
  }
  /// What the extent's update is in these tests.
  static Bytes UpdateOf(std::uint32_t extent, std::uint64_t size = kExtentBytes) {
    return SampleContents(1000 + extent, size);
  }
  bool Holds(std::uint32_t extent, const Bytes& bytes) {
    Bytes read(bytes.size());
    const Status status = spool_->Read(extent, 0, read);
    EXPECT_TRUE(status) << status.error().Text();
    return read == bytes;
  }
  std::string path() const { return directory_ / "spool"; }

  TempDir directory_;
  FaultyDisk disk_;
  std::unique_ptr<Spool> spool_;
};

TEST_F(SpoolTest, ExtentsDoNotTouchEachOther) {
  Open();
  Prepare(3);
  for (const std::uint32_t extent : {2U, 0U, 1U}) Write(extent, 0, UpdateOf(extent));
  for (const std::uint32_t extent : {0U, 1U, 2U}) EXPECT_TRUE(Holds(extent, UpdateOf(extent)));
}

TEST_F(SpoolTest, PiecesJoinInAnyOrder) {
  Open();
  Prepare(2);
  const Bytes update = UpdateOf(1);
  Write(1, 5000, ByteSpan(update).subspan(5000));
  Write(1, 0, ByteSpan(update).first(5000));
  EXPECT_TRUE(Holds(1, update));
  Bytes piece(100);
  ASSERT_TRUE(spool_->Read(1, 4950, piece));
  EXPECT_TRUE(std::equal(piece.begin(), piece.end(), update.begin() + 4950));
}

TEST_F(SpoolTest, ExtentsAreRoundedUpToPages) {
  Open();
  Prepare(3, 4097);
  EXPECT_EQ(std::filesystem::file_size(path()), 3 * 8192U);
}

TEST_F(SpoolTest, SpaceIsTakenAheadOfTheBytes) {
  Open();
  Prepare(4, 1U << 20);
  EXPECT_EQ(SizeOf(path()), 4U << 20);
  Write(3, (1U << 20) - 64, UpdateOf(0, 64));
  EXPECT_EQ(SizeOf(path()), 4U << 20);
}

TEST_F(SpoolTest, GrowthKeepsTheBytes) {
  Open();
  Prepare(2);
  Write(0, 0, UpdateOf(0));
  Write(1, 0, UpdateOf(1));
  Prepare(5);
  Write(4, 0, UpdateOf(4));
  for (const std::uint32_t extent : {0U, 1U, 4U}) EXPECT_TRUE(Holds(extent, UpdateOf(extent)));
}

TEST_F(SpoolTest, FewerExtentsKeepTheFile) {
  Open();
  Prepare(4);
  Write(3, 0, UpdateOf(3));
  Prepare(1);
  Prepare(4);
  EXPECT_TRUE(Holds(3, UpdateOf(3)));
}

TEST_F(SpoolTest, ReopeningKeepsTheBytes) {
  Open();
  Prepare(3);
  Write(2, 0, UpdateOf(2));
  ASSERT_TRUE(spool_->Sync());
  spool_.reset();
  Open();
  EXPECT_EQ(SizeOf(path()), 3 * kExtentBytes);
  Prepare(3);
  EXPECT_TRUE(Holds(2, UpdateOf(2)));
}

TEST_F(SpoolTest, AFileShorterThanItsExtentsIsDamage) {
  Open();
  Prepare(3);
  Write(2, 0, UpdateOf(2));
  Truncate(path(), 2 * kExtentBytes + 100);
  Bytes bytes(kExtentBytes);
  const Status status = spool_->Read(2, 0, bytes);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().reason, Reason::damage);
  EXPECT_TRUE(spool_->Read(1, 0, bytes));
}

TEST_F(SpoolTest, BytesBeyondTheirExtentAreABugOfOurs) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  Open();
  Prepare(2);
  EXPECT_DEATH((void)spool_->Write(0, kExtentBytes - 63, UpdateOf(0, 64)).has_value(), "beyond");
  EXPECT_DEATH((void)spool_->Write(0, UINT64_MAX, UpdateOf(0, 64)).has_value(), "beyond");
  EXPECT_DEATH((void)spool_->Write(2, 0, UpdateOf(0, 64)).has_value(), "not prepared");
}

TEST_F(SpoolTest, ThreadsFillTheirExtentsBesideSyncs) {
  constexpr std::uint32_t kThreads = 4;
  constexpr std::uint64_t kBytes = 9U << 20;  // Passes the range handed to the disk ahead.
  constexpr std::size_t kPieceBytes = 256U << 10;
  Open();
  Prepare(kThreads, kBytes);
  std::vector<std::thread> threads;
  for (std::uint32_t extent = 0; extent < kThreads; ++extent) {
    threads.emplace_back([this, extent] {
      const Bytes update = UpdateOf(extent, kBytes);
      for (std::uint64_t offset = 0; offset < kBytes; offset += kPieceBytes) {
        Write(extent, offset, ByteSpan(update).subspan(offset, kPieceBytes));
      }
    });
  }
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(spool_->Sync());
  for (std::thread& thread : threads) thread.join();
  for (std::uint32_t extent = 0; extent < kThreads; ++extent) {
    EXPECT_TRUE(Holds(extent, UpdateOf(extent, kBytes)));
  }
}

// --- Faults --------------------------------------------------------------------------------------

TEST_F(SpoolTest, NoRoomForTheExtentsIsAFullDisk) {
  Open();
  Prepare(1);
  Write(0, 0, UpdateOf(0));
  disk_.Fail(DiskOperation::allocate, "spool", DiskFault::no_space);
  EXPECT_EQ(spool_->Prepare(kExtentBytes, 9).error().reason, Reason::disk_full);
  disk_.Heal();
  Prepare(9);
  EXPECT_TRUE(Holds(0, UpdateOf(0)));
}

TEST_F(SpoolTest, FailedWritesAndSyncsAreTold) {
  Open();
  Prepare(1);
  disk_.Fail(DiskOperation::positioned_write, "spool", DiskFault::no_space);
  EXPECT_EQ(spool_->Write(0, 0, UpdateOf(0)).error().reason, Reason::disk_full);
  disk_.Heal();
  disk_.Fail(DiskOperation::positioned_write, "spool", DiskFault::input_output);
  EXPECT_EQ(spool_->Write(0, 0, UpdateOf(0)).error().reason, Reason::io_failed);
  disk_.Heal();
  disk_.Fail(DiskOperation::sync, "spool", DiskFault::no_space);
  EXPECT_EQ(spool_->Sync().error().reason, Reason::io_failed);
  EXPECT_EQ(spool_->Prepare(kExtentBytes, 9).error().reason, Reason::io_failed);
}

TEST_F(SpoolTest, TheMachinesOwnFileSystemServesToo) {
  auto spool = OpenSpool(directory_.path());
  ASSERT_TRUE(spool) << spool.error().Text();
  ASSERT_TRUE((*spool)->Prepare(kExtentBytes, 1));
  ASSERT_TRUE((*spool)->Write(0, 0, UpdateOf(0)));
  ASSERT_TRUE((*spool)->Sync());
}

TEST_F(SpoolTest, ADirectoryThatIsNotThereIsAnError) {
  const auto spool = OpenSpool(directory_ / "nowhere");
  ASSERT_FALSE(spool);
  EXPECT_EQ(spool.error().reason, Reason::io_failed);
}

}  // namespace
}  // namespace muster
