// What the virtual disk forgets and what it keeps; and that RocksDB's store lives on it.
#include "simulator/disk/virtual_disk.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>

#include "checkpoint/store.h"
#include "simulator/disk/file_system.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

using Open = VirtualDisk::Open;

class VirtualDiskTest : public ::testing::Test {
 protected:
  VirtualDisk::InodePtr Create(const std::string& path) {
    VirtualDisk::InodePtr inode;
    EXPECT_EQ(disk.OpenFile(disk.life(), path, Open::empty, &inode), DiskError::none);
    return inode;
  }
  DiskError Append(const std::string& path, const VirtualDisk::InodePtr& inode,
                   std::string_view text) {
    return disk.Append(disk.life(), path, inode, AsBytes(text));
  }
  void Sync(const std::string& path, const VirtualDisk::InodePtr& inode) {
    EXPECT_EQ(disk.Sync(disk.life(), path, inode, DiskOperation::sync), DiskError::none);
  }
  void SyncRoot() { EXPECT_EQ(disk.SyncDirectory(disk.life(), "/"), DiskError::none); }
  void Crash(Unsynced unsynced) {
    disk.CutPower(unsynced);
    disk.Restart();
  }
  /// Nothing if there is no such file.
  std::optional<std::string> Contents(const std::string& path) {
    VirtualDisk::InodePtr inode;
    if (disk.OpenFile(disk.life(), path, Open::existing, &inode) != DiskError::none) return {};
    Bytes bytes;
    EXPECT_EQ(disk.Read(disk.life(), inode, 0, 1'000'000, &bytes), DiskError::none);
    return std::string(AsText(bytes));
  }
  /// The verdict for the `number`th operation from now on; all others are done.
  void PlanNext(std::uint64_t number, Verdict verdict) {
    disk.SetPlan([at = disk.operation_count() + number, verdict](const PlannedOperation& planned) {
      return planned.number == at ? verdict : Verdict::done;
    });
  }

  VirtualDisk disk{1};
};

TEST_F(VirtualDiskTest, WhatWasSyncedIsKept) {
  const auto file = Create("/a");
  EXPECT_EQ(Append("/a", file, "kept"), DiskError::none);
  Sync("/a", file);
  SyncRoot();
  EXPECT_EQ(Append("/a", file, " and lost"), DiskError::none);
  EXPECT_EQ(Contents("/a"), "kept and lost");
  Crash(Unsynced::lost);
  EXPECT_EQ(Contents("/a"), "kept");
}

TEST_F(VirtualDiskTest, AFileWhoseNameWasNotSyncedIsGone) {
  const auto file = Create("/a");
  EXPECT_EQ(Append("/a", file, "bytes"), DiskError::none);
  Sync("/a", file);
  Crash(Unsynced::lost);
  EXPECT_EQ(Contents("/a"), std::nullopt);
}

TEST_F(VirtualDiskTest, AKilledProcessLosesNothing) {
  const auto file = Create("/a");
  EXPECT_EQ(Append("/a", file, "bytes"), DiskError::none);
  Crash(Unsynced::kept);
  EXPECT_EQ(Contents("/a"), "bytes");
}

TEST_F(VirtualDiskTest, ARenameHappensAsAWholeOrNotAtAll) {
  const auto old_file = Create("/name");
  EXPECT_EQ(Append("/name", old_file, "old"), DiskError::none);
  Sync("/name", old_file);
  const auto new_file = Create("/name.tmp");
  EXPECT_EQ(Append("/name.tmp", new_file, "new"), DiskError::none);
  Sync("/name.tmp", new_file);
  SyncRoot();
  EXPECT_EQ(disk.Rename(disk.life(), "/name.tmp", "/name"), DiskError::none);
  EXPECT_EQ(Contents("/name"), "new");
  Crash(Unsynced::lost);
  EXPECT_EQ(Contents("/name"), "old");
  EXPECT_EQ(Contents("/name.tmp"), "new");
}

TEST_F(VirtualDiskTest, OfARenameToAnotherDirectoryACrashMayKeepOneHalf) {
  disk.MakeDurableDirectory("/from");
  disk.MakeDurableDirectory("/to");
  const auto file = Create("/from/name");
  EXPECT_EQ(Append("/from/name", file, "bytes"), DiskError::none);
  Sync("/from/name", file);
  EXPECT_EQ(disk.SyncDirectory(disk.life(), "/from"), DiskError::none);
  EXPECT_EQ(disk.Rename(disk.life(), "/from/name", "/to/name"), DiskError::none);
  EXPECT_EQ(Contents("/to/name"), "bytes");
  EXPECT_EQ(disk.SyncDirectory(disk.life(), "/to"), DiskError::none);
  Crash(Unsynced::lost);
  EXPECT_EQ(Contents("/to/name"), "bytes");
  EXPECT_EQ(Contents("/from/name"), "bytes");
}

TEST_F(VirtualDiskTest, NamesAreLostFromTheEndAlone) {
  // Over many draws every prefix occurs, and never a later name without an earlier one.
  std::set<int> seen;
  for (std::uint64_t seed = 1; seed <= 64; ++seed) {
    VirtualDisk drawn(seed);
    for (const char* path : {"/a", "/b", "/c"}) {
      VirtualDisk::InodePtr inode;
      ASSERT_EQ(drawn.OpenFile(drawn.life(), path, Open::empty, &inode), DiskError::none);
    }
    drawn.CutPower(Unsynced::mixed);
    const auto files = drawn.Files();
    const int count = static_cast<int>(files.size());
    EXPECT_EQ(files.contains("/a"), count >= 1);
    EXPECT_EQ(files.contains("/b"), count >= 2);
    seen.insert(count);
  }
  EXPECT_EQ(seen, (std::set<int>{0, 1, 2, 3}));
}

TEST_F(VirtualDiskTest, UnsyncedWritesAreKeptLostOrTornByDraw) {
  const std::string first(600, 'a');
  const std::string second(600, 'c');
  bool torn = false;
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    VirtualDisk drawn(seed);
    VirtualDisk::InodePtr inode;
    ASSERT_EQ(drawn.OpenFile(drawn.life(), "/a", Open::empty, &inode), DiskError::none);
    ASSERT_EQ(drawn.SyncDirectory(drawn.life(), "/"), DiskError::none);
    for (const std::string& text : {first, second}) {
      ASSERT_EQ(drawn.Append(drawn.life(), "/a", inode, AsBytes(text)), DiskError::none);
    }
    drawn.CutPower(Unsynced::mixed);
    drawn.Restart();
    Bytes bytes;
    ASSERT_EQ(drawn.OpenFile(drawn.life(), "/a", Open::existing, &inode), DiskError::none);
    ASSERT_EQ(drawn.Read(drawn.life(), inode, 0, 2000, &bytes), DiskError::none);
    seen.insert(std::string(AsText(bytes)));
    torn = torn || bytes.size() % 600 != 0;
  }
  EXPECT_TRUE(seen.contains(""));
  EXPECT_TRUE(seen.contains(first));
  EXPECT_TRUE(seen.contains(first + second));
  EXPECT_TRUE(seen.contains(std::string(600, '\0') + second)) << "out of order";
  EXPECT_TRUE(torn);
}

TEST_F(VirtualDiskTest, ACutInTheMiddleTearsTheWrite) {
  const auto file = Create("/a");
  SyncRoot();
  PlanNext(1, Verdict::cut_torn);
  EXPECT_EQ(Append("/a", file, std::string(1000, 'x')), DiskError::power_off);
  disk.Restart();
  EXPECT_EQ(Contents("/a"), std::string(500, 'x'));
}

TEST_F(VirtualDiskTest, AWriteInsideASectorIsNotTorn) {
  const auto file = Create("/a");
  SyncRoot();
  PlanNext(1, Verdict::cut_torn);
  EXPECT_EQ(Append("/a", file, "12345678"), DiskError::power_off);
  disk.Restart();
  EXPECT_EQ(Contents("/a"), "");
}

TEST_F(VirtualDiskTest, ACutBeforeOrAfterASyncDecidesWhatIsKept) {
  for (const Verdict verdict : {Verdict::cut_before, Verdict::cut_after}) {
    const auto file = Create("/a");
    SyncRoot();
    EXPECT_EQ(Append("/a", file, "bytes"), DiskError::none);
    PlanNext(1, verdict);
    EXPECT_EQ(disk.Sync(disk.life(), "/a", file, DiskOperation::sync), DiskError::power_off);
    disk.Restart();
    EXPECT_EQ(Contents("/a"), verdict == Verdict::cut_after ? "bytes" : "");
  }
}

TEST_F(VirtualDiskTest, ALyingSyncKeepsNothing) {
  const auto file = Create("/a");
  SyncRoot();
  EXPECT_EQ(Append("/a", file, "bytes"), DiskError::none);
  PlanNext(1, Verdict::lies);
  Sync("/a", file);
  Crash(Unsynced::lost);
  EXPECT_EQ(Contents("/a"), "");
}

TEST_F(VirtualDiskTest, NothingOfAnOldLifeReachesTheDisk) {
  const VirtualDisk::Life old_life = disk.life();
  const auto file = Create("/a");
  SyncRoot();
  Crash(Unsynced::kept);
  EXPECT_EQ(disk.Append(old_life, "/a", file, AsBytes(std::string_view("ghost"))),
            DiskError::power_off);
  EXPECT_EQ(Contents("/a"), "");
}

TEST_F(VirtualDiskTest, AFullDiskTakesNoMore) {
  disk.SetCapacity(6);
  const auto file = Create("/a");
  EXPECT_EQ(Append("/a", file, "1234"), DiskError::none);
  EXPECT_EQ(disk.free_bytes(), 2U);
  EXPECT_EQ(Append("/a", file, "567"), DiskError::no_space);
  EXPECT_EQ(disk.Remove(disk.life(), "/a"), DiskError::none);
  EXPECT_EQ(disk.free_bytes(), 6U);
}

TEST_F(VirtualDiskTest, TheStoreLivesOnIt) {
  const TempDir lock_dir;
  const std::string& path = lock_dir.path();
  auto shared = std::make_shared<VirtualDisk>(2);
  shared->MakeDurableDirectory(path);
  const auto open = [&] {
    return checkpoint::OpenCheckpointStoreOn(Mount(shared), path, OpenMode::create_or_open);
  };
  {
    auto store = open();
    ASSERT_TRUE(store.has_value()) << store.error().Text();
    ASSERT_TRUE((*store)->Write({{PutEpoch{{{1, 11}, 1}}}}).has_value());
    ASSERT_TRUE((*store)->Write({{PutEpoch{{{2, 22}, 2}}}, /*sync=*/false}).has_value());
    shared->CutPower(Unsynced::lost);
    EXPECT_FALSE((*store)->Write({{PutEpoch{{{3, 33}, 3}}}}).has_value());
  }
  shared->Restart();
  auto store = open();
  ASSERT_TRUE(store.has_value()) << store.error().Text();
  EXPECT_EQ((*store)->recovered().epoch.starts, 1U) << "only the first batch was synced";
}

}  // namespace
}  // namespace muster::simulator
