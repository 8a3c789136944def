// What a job asks of its volume, and the refusal that says what would help.
#include "coordinator/runtime/disk_room.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "common/disk_space.h"
#include "tests/support/temp_dir.h"

namespace muster::coordinator {
namespace {

using ::testing::HasSubstr;

TEST(DiskRoomTest, TheSpoolTheVersionsAndTheReserveMustFit) {
  const DiskDemand demand{1'000, 2'000, 21, 11};
  const std::uint64_t total = 21 * 1'000 + 11 * 2'000 + kDiskReserveBytes;
  EXPECT_EQ(demand.Total(), total);
  EXPECT_TRUE(CheckDiskRoom(demand, {10, 0}, total, "/state"));
  const Status refused = CheckDiskRoom(demand, {10, 0}, total - 1, "/state");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::disk_full);
  EXPECT_THAT(refused.error().message, HasSubstr("21 updates (2 x round.goal + 1, and with"));
  EXPECT_THAT(refused.error().message,
              HasSubstr("11 versions (checkpoint.keep_last = 10) of 2000"));
  EXPECT_THAT(refused.error().message, HasSubstr("asks for " + std::to_string(total)));
}

TEST(DiskRoomTest, ADemandBeyondAllNumbersFitsNowhere) {
  const DiskDemand demand{1ULL << 34, 1ULL << 34, 9, UINT64_MAX};
  EXPECT_EQ(demand.Total(), UINT64_MAX);
  EXPECT_FALSE(CheckDiskRoom(demand, {UINT64_MAX, 0}, UINT64_MAX - 1, "/state"));
}

TEST(DiskRoomTest, WhatADirectoryOccupiesIsCounted) {
  const TempDir directory;
  std::filesystem::create_directories(directory / "db");
  const std::uint64_t before = OccupiedBytes(directory.path());
  std::ofstream(directory / "db/file") << std::string(1U << 20, 'x') << std::flush;
  EXPECT_GE(OccupiedBytes(directory.path()), before + (1U << 20));
  EXPECT_EQ(OccupiedBytes(directory / "nowhere"), 0U);
}

/// A state directory of which db occupies 8 MiB and a little, and the spool 4 MiB.
class ReusedBytesTest : public ::testing::Test {
 protected:
  ReusedBytesTest() {
    std::filesystem::create_directories(directory_ / "db");
    std::ofstream(directory_ / "db/file") << std::string(8 * kMebi, 'x') << std::flush;
    std::ofstream(directory_ / "spool") << std::string(4 * kMebi, 'x') << std::flush;
  }
  std::uint64_t Reused(const DiskDemand& demand, const RetentionPolicy& retention,
                       const std::vector<Version>& held) const {
    return ReusedBytes(demand, retention, held, directory_.path());
  }

  static constexpr std::uint64_t kMebi = 1U << 20;
  const TempDir directory_;
};

TEST_F(ReusedBytesTest, WhatStaysBesideTheNewestVersionsIsNoRoom) {
  const DiskDemand demand{0, kMebi, 0, 3};
  EXPECT_EQ(Reused(demand, {2, 0}, {}), 0U);
  EXPECT_EQ(Reused(demand, {2, 0}, {5}), kMebi);
  EXPECT_EQ(Reused(demand, {2, 0}, {4, 5}), 2 * kMebi);
  // keep_every holds 0 and 3 for ever: of six, four are left.
  EXPECT_EQ(Reused(demand, {2, 3}, {0, 1, 2, 3, 4, 5}), 4 * kMebi);
  // keep_last = 0 holds all: head alone is what the job asks room for.
  EXPECT_EQ(Reused({0, kMebi, 0, 2}, {0, 0}, {0, 1, 2, 3, 4, 5}), kMebi);
}

TEST_F(ReusedBytesTest, VersionsThatGoMakeRoom) {
  EXPECT_EQ(Reused({0, kMebi, 0, 3}, {2, 0}, {0, 1, 2, 3, 4, 5}), 6 * kMebi);
}

TEST_F(ReusedBytesTest, NoMoreIsReusedThanLiesThere) {
  const std::uint64_t all = Reused({0, 4 * kMebi, 0, 11}, {10, 0}, {0, 1, 2, 3});
  EXPECT_GE(all, 8 * kMebi);
  EXPECT_LT(all, 9 * kMebi);
}

TEST_F(ReusedBytesTest, ASpoolThatIsLongerThanTheJobAsksForIsNoRoomForVersions) {
  EXPECT_EQ(Reused({kMebi, kMebi, 3, 3}, {2, 0}, {}), 3 * kMebi);
  EXPECT_GE(Reused({kMebi, kMebi, 9, 3}, {2, 0}, {}), 4 * kMebi);
  EXPECT_LT(Reused({kMebi, kMebi, 9, 3}, {2, 0}, {}), 5 * kMebi);
}

TEST(DiskRoomTest, TheGaugeTellsOnlyOfACrossing) {
  const TempDir directory;
  DiskGauge plenty(directory.path(), 1);
  EXPECT_FALSE(plenty.Crossed().has_value());
  DiskGauge never_enough(directory.path(), UINT64_MAX);
  const auto crossed = never_enough.Crossed();
  ASSERT_TRUE(crossed.has_value());
  EXPECT_GT(crossed->free_bytes, 0U);
  EXPECT_FALSE(never_enough.Crossed().has_value());
  DiskGauge unknown(directory / "nowhere", UINT64_MAX);
  EXPECT_FALSE(unknown.Crossed().has_value());
}

}  // namespace
}  // namespace muster::coordinator
