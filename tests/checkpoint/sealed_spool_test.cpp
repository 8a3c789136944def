// The spool of an encrypted state: any chunks in order, any reads, and no byte in another's place.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "checkpoint/internal/key_ring.h"
#include "checkpoint/internal/sealed_spool.h"
#include "checkpoint/spool.h"
#include "common/random.h"
#include "tests/checkpoint/faulty_disk.h"
#include "tests/checkpoint/keys.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"
#include "tests/support/temp_dir.h"

namespace muster {
namespace {

using checkpoint::kSpoolBlockBytes;
using ::testing::HasSubstr;

class SealedSpoolTest : public testing::Test {
 protected:
  /// Two blocks and a piece of one.
  static constexpr std::uint64_t kUpdateBytes = 2 * kSpoolBlockBytes + 5000;
  static constexpr std::uint64_t kPayloadBytes = 2 * kSpoolBlockBytes + 8192;
  static constexpr std::uint64_t kStrideBytes = kPayloadBytes + 4096;
  static constexpr std::uint64_t kEntryBytes = 32;

  SealedSpoolTest() {
    const Status made = checkpoint::KeyRing::Create(*disk_.files(), directory_.path(), TestKey(1));
    EXPECT_TRUE(made) << made.error().Text();
  }
  void Open(std::uint32_t extents, std::uint64_t bytes = kUpdateBytes) {
    spool_.reset();
    auto spool = checkpoint::OpenSpoolOn(disk_.files(), directory_.path(), TestKey(1));
    ASSERT_TRUE(spool) << spool.error().Text();
    spool_ = std::move(*spool);
    Prepare(extents, bytes);
  }
  void Prepare(std::uint32_t extents, std::uint64_t bytes = kUpdateBytes) {
    const Status status = spool_->Prepare(bytes, extents);
    ASSERT_TRUE(status) << status.error().Text();
  }
  static Bytes UpdateOf(std::uint32_t extent, std::uint64_t size = kUpdateBytes) {
    return SampleContents(1000 + extent, size);
  }
  /// In pieces of at most that many bytes.
  void Fill(std::uint32_t extent, const Bytes& update, std::size_t piece_bytes) {
    ByteSpan rest = update;
    while (!rest.empty()) {
      const std::size_t size = std::min(rest.size(), piece_bytes);
      const Status status = spool_->Write(extent, update.size() - rest.size(), rest.first(size));
      ASSERT_TRUE(status) << status.error().Text();
      rest = rest.subspan(size);
    }
  }
  Status ReadAll(std::uint32_t extent, std::uint64_t offset, std::size_t size, Bytes* bytes) {
    bytes->resize(size);
    return spool_->Read(extent, offset, *bytes);
  }
  bool Holds(std::uint32_t extent, const Bytes& update) {
    Bytes read;
    const Status status = ReadAll(extent, 0, update.size(), &read);
    EXPECT_TRUE(status) << status.error().Text();
    return read == update;
  }
  std::string path() const { return directory_ / "spool"; }
  /// Moves bytes within the file.
  void Move(std::uint64_t from, std::uint64_t to, std::size_t size) {
    std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
    std::string bytes(size, '\0');
    file.seekg(static_cast<std::streamoff>(from)).read(bytes.data(), std::ssize(bytes));
    file.seekp(static_cast<std::streamoff>(to)).write(bytes.data(), std::ssize(bytes));
    ASSERT_TRUE(file.flush());
  }

  TempDir directory_;
  FaultyDisk disk_;
  std::unique_ptr<Spool> spool_;
};

TEST_F(SealedSpoolTest, ChunksOfAnySizeComeBackWhereverTheReadBegins) {
  const std::uint64_t seed = SystemRandom();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Open(2);
  KeyedStream random(seed, "sealed_spool_test", {});
  for (const std::size_t piece_bytes :
       {std::size_t{999}, std::size_t{4096}, kSpoolBlockBytes - 1, kSpoolBlockBytes,
        kSpoolBlockBytes + 1, 2 * kSpoolBlockBytes, std::size_t{kUpdateBytes}}) {
    SCOPED_TRACE("pieces of " + std::to_string(piece_bytes));
    const Bytes update = UpdateOf(static_cast<std::uint32_t>(piece_bytes));
    Fill(1, update, piece_bytes);
    EXPECT_TRUE(Holds(1, update));
    for (int i = 0; i < 50; ++i) {
      const std::uint64_t offset = random.Below(kUpdateBytes);
      const std::size_t size = random.Below(kUpdateBytes - offset) + 1;
      Bytes read;
      ASSERT_TRUE(ReadAll(1, offset, size, &read));
      EXPECT_TRUE(std::equal(read.begin(), read.end(),
                             update.begin() + static_cast<std::ptrdiff_t>(offset)))
          << size << " from " << offset;
    }
  }
}

TEST_F(SealedSpoolTest, EachExtentHasItsBlocksAndATableBehindThem) {
  Open(3);
  EXPECT_EQ(SizeOf(path()), 3 * kStrideBytes);
  for (const std::uint32_t extent : {2U, 0U, 1U}) Fill(extent, UpdateOf(extent), 4096);
  for (const std::uint32_t extent : {0U, 1U, 2U}) EXPECT_TRUE(Holds(extent, UpdateOf(extent)));
}

TEST_F(SealedSpoolTest, GrowthAndReopeningKeepTheBytes) {
  Open(2);
  Fill(0, UpdateOf(0), 4096);
  Fill(1, UpdateOf(1), kSpoolBlockBytes);
  ASSERT_TRUE(spool_->Sync());
  Prepare(5);
  Fill(4, UpdateOf(4), 4096);
  Open(5);
  for (const std::uint32_t extent : {0U, 1U, 4U}) EXPECT_TRUE(Holds(extent, UpdateOf(extent)));
}

TEST_F(SealedSpoolTest, AnUploadMayBeginAnewInItsExtent) {
  Open(1);
  Fill(0, UpdateOf(7), kSpoolBlockBytes);
  ASSERT_TRUE(spool_->Write(0, 0, ByteSpan(UpdateOf(8)).first(100)));
  Fill(0, UpdateOf(9), 10'000);
  EXPECT_TRUE(Holds(0, UpdateOf(9)));
}

TEST_F(SealedSpoolTest, NoBlockIsReadThatWasNotWritten) {
  Open(2);
  ASSERT_TRUE(spool_->Write(0, 0, ByteSpan(UpdateOf(0)).first(kSpoolBlockBytes)));
  Bytes bytes;
  EXPECT_TRUE(ReadAll(0, 0, kSpoolBlockBytes, &bytes));
  EXPECT_EQ(ReadAll(0, 0, kSpoolBlockBytes + 1, &bytes).error().reason, Reason::damage);
  EXPECT_EQ(ReadAll(1, 0, 1, &bytes).error().reason, Reason::damage);
}

TEST_F(SealedSpoolTest, AFlippedBitIsDamageThatNamesTheBlock) {
  Open(2);
  Fill(1, UpdateOf(1), kSpoolBlockBytes);
  const std::uint64_t table = kStrideBytes + kPayloadBytes;
  // In the block and, of its table entry, in the key's number, the nonce and the tag.
  for (const std::uint64_t offset :
       {kStrideBytes + kSpoolBlockBytes, kStrideBytes + 2 * kSpoolBlockBytes - 1,
        table + kEntryBytes, table + kEntryBytes + 4, table + kEntryBytes + 31}) {
    Flip(path(), offset);
    Bytes bytes;
    EXPECT_TRUE(ReadAll(1, 0, kSpoolBlockBytes, &bytes));
    const Status status = ReadAll(1, kSpoolBlockBytes, 1, &bytes);
    ASSERT_FALSE(status) << offset;
    EXPECT_EQ(status.error().reason, Reason::damage);
    EXPECT_THAT(status.error().message, HasSubstr("block 1 of extent 1 in " + path()));
    Flip(path(), offset);
  }
  EXPECT_TRUE(Holds(1, UpdateOf(1)));
}

TEST_F(SealedSpoolTest, ABlockInAnothersPlaceIsDamage) {
  Open(2);
  Fill(0, UpdateOf(0), kSpoolBlockBytes);
  Fill(1, UpdateOf(1), kSpoolBlockBytes);
  Bytes bytes;
  // Block 0 of extent 0 to block 1, then to the other extent: each time with its table entry.
  Move(0, kSpoolBlockBytes, kSpoolBlockBytes);
  Move(kPayloadBytes, kPayloadBytes + kEntryBytes, kEntryBytes);
  EXPECT_EQ(ReadAll(0, kSpoolBlockBytes, 1, &bytes).error().reason, Reason::damage);
  Move(0, kStrideBytes, kSpoolBlockBytes);
  Move(kPayloadBytes, kStrideBytes + kPayloadBytes, kEntryBytes);
  EXPECT_EQ(ReadAll(1, 0, 1, &bytes).error().reason, Reason::damage);
  EXPECT_TRUE(ReadAll(0, 0, kSpoolBlockBytes, &bytes));
}

TEST_F(SealedSpoolTest, ABlockOfAnotherDirectoryOfTheSameKeyIsDamage) {
  Open(1);
  Fill(0, UpdateOf(0), kSpoolBlockBytes);
  spool_.reset();
  ASSERT_TRUE(checkpoint::KeyRing::Create(*disk_.files(), directory_.path(), TestKey(1)));
  Open(1);
  Bytes bytes;
  EXPECT_EQ(ReadAll(0, 0, 1, &bytes).error().reason, Reason::damage);
}

TEST_F(SealedSpoolTest, ARefusedWriteIsTriedAgainWhereItWas) {
  Open(1);
  const Bytes update = UpdateOf(0);
  const ByteSpan bytes(update);
  ASSERT_TRUE(spool_->Write(0, 0, bytes.first(20'000)));
  disk_.Fail(DiskOperation::positioned_write, "spool", DiskFault::no_space);
  EXPECT_EQ(spool_->Write(0, 20'000, bytes.subspan(20'000)).error().reason, Reason::disk_full);
  disk_.Heal();
  ASSERT_TRUE(spool_->Write(0, 20'000, bytes.subspan(20'000)));
  EXPECT_TRUE(Holds(0, update));
}

TEST_F(SealedSpoolTest, NoRoomForTheKeyFileIsAFullDisk) {
  Open(1);
  disk_.Fail(DiskOperation::append, "keys", DiskFault::no_space);
  EXPECT_EQ(spool_->Write(0, 0, UpdateOf(0)).error().reason, Reason::disk_full);
  disk_.Heal();
  Fill(0, UpdateOf(0), 4096);
  EXPECT_TRUE(Holds(0, UpdateOf(0)));
}

TEST_F(SealedSpoolTest, BytesOutOfOrderAreABugOfOurs) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  Open(1);
  EXPECT_DEATH((void)spool_->Write(0, 64, UpdateOf(0, 64)).has_value(), "in order");
  EXPECT_DEATH((void)spool_->Write(1, 0, UpdateOf(0, 64)).has_value(), "not prepared");
}

TEST_F(SealedSpoolTest, ThreadsFillTheirExtentsBesideSyncs) {
  constexpr std::uint32_t kThreads = 4;
  constexpr std::uint64_t kBytes = 9U << 20;  // Passes the range handed to the disk ahead.
  Open(kThreads, kBytes);
  std::vector<std::thread> threads;
  for (std::uint32_t extent = 0; extent < kThreads; ++extent) {
    threads.emplace_back([this, extent] { Fill(extent, UpdateOf(extent, kBytes), 256U << 10); });
  }
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(spool_->Sync());
  for (std::thread& thread : threads) thread.join();
  for (std::uint32_t extent = 0; extent < kThreads; ++extent) {
    EXPECT_TRUE(Holds(extent, UpdateOf(extent, kBytes)));
  }
}

}  // namespace
}  // namespace muster
