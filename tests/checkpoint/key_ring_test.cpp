// The key file: counts that no crash forgets, and keys that no crash loses.
#include "checkpoint/internal/key_ring.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "checkpoint/internal/files.h"
#include "checkpoint/internal/paths.h"
#include "checkpoint/spool.h"
#include "simulator/disk/file_system.h"
#include "simulator/disk/virtual_disk.h"
#include "tests/checkpoint/keys.h"
#include "tests/checkpoint/samples.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

namespace muster::checkpoint {
namespace {

using simulator::Mount;
using simulator::PlannedOperation;
using simulator::Unsynced;
using simulator::Verdict;
using simulator::VirtualDisk;

class KeyRingTest : public testing::Test {
 protected:
  KeyRingTest() { NewDisk(1); }

  void NewDisk(std::uint64_t seed) {
    disk_ = std::make_shared<VirtualDisk>(seed);
    disk_->MakeDurableDirectory(path());
    files_ = Mount(disk_);
  }
  void Restart() {
    disk_->SetPlan({});
    disk_->Restart();
    files_ = Mount(disk_);
  }
  void CutPower(Unsynced unsynced = Unsynced::lost) {
    disk_->CutPower(unsynced);
    Restart();
  }
  /// The power goes at the operation of this number, counted from now. False: it was not reached.
  bool CutsAt(std::uint64_t number, Verdict verdict, const std::function<void()>& work) {
    const std::uint64_t at = disk_->operation_count() + number;
    bool reached = false;
    disk_->SetUnsynced(verdict == Verdict::cut_torn ? Unsynced::mixed : Unsynced::lost);
    disk_->SetPlan([&](const PlannedOperation& planned) {
      if (planned.number != at) return Verdict::done;
      reached = true;
      return verdict;
    });
    work();
    disk_->SetPlan({});
    return reached;
  }
  void Create() {
    const Status made = KeyRing::Create(*files_, path(), TestKey(1));
    ASSERT_TRUE(made) << made.error().Text();
  }
  KeyRingPtr Open(unsigned key = 1) {
    auto ring = KeyRing::Open(files_, path(), TestKey(key));
    EXPECT_TRUE(ring) << ring.error().Text();
    return ring ? *ring : nullptr;
  }
  static DataKeyId Take(KeyRing& ring, std::uint64_t messages) {
    const auto key = ring.Take(messages);
    EXPECT_TRUE(key) << key.error().Text();
    return key ? (*key)->id : 0;
  }
  Result<std::unique_ptr<CheckpointStore>> OpenStore(const StateKey& key) {
    return OpenCheckpointStoreOn(files_, path(), OpenMode::create_or_open, Upkeep::by_hand, key);
  }
  /// On the machine's own file system the store has its lock.
  const std::string& path() const { return lock_dir_.path(); }

  TempDir lock_dir_;
  std::shared_ptr<VirtualDisk> disk_;
  FileSystemPtr files_;
};

// After an operation is before the next one.
constexpr Verdict kCuts[] = {Verdict::cut_before, Verdict::cut_torn};
/// Between two operations at which the power goes. Odd, so that both cuts are met.
constexpr std::uint64_t kCutStep = UnlessSanitized(1, 5);

TEST_F(KeyRingTest, OpeningAndFindingWritesNothing) {
  Create();
  const std::uint64_t before = disk_->operation_count();
  const KeyRingPtr ring = Open();
  EXPECT_NE(ring->Find(1), nullptr);
  EXPECT_EQ(ring->Find(0), nullptr);
  EXPECT_EQ(ring->Find(2), nullptr);
  EXPECT_EQ(disk_->operation_count(), before);
}

TEST_F(KeyRingTest, TheFileIsWrittenOnceInManyMessages) {
  Create();
  const KeyRingPtr ring = Open();
  Take(*ring, 1);
  const std::uint64_t before = disk_->operation_count();
  for (int i = 0; i < 1000; ++i) Take(*ring, 1000);
  EXPECT_EQ(disk_->operation_count(), before);
  Take(*ring, kMessagesReserved);
  EXPECT_GT(disk_->operation_count(), before);
}

TEST_F(KeyRingTest, ADataKeyRestsLongBeforeItsNoncesMayRepeat) {
  static_assert(2 * kDataKeyMessagesMax <= kGcmMessagesMax);
  Create();
  KeyRingPtr ring = Open();
  for (std::uint64_t taken = 0; taken < kDataKeyMessagesMax; taken += kMessagesReserved) {
    ASSERT_EQ(Take(*ring, kMessagesReserved), 1U) << taken;
  }
  const DataKeyPtr first = ring->Find(1);
  EXPECT_EQ(Take(*ring, 1), 2U);
  EXPECT_EQ(ring->Find(1), first);
  ring = Open();
  EXPECT_EQ(Take(*ring, 1), 2U) << "the count outlives the process";
  EXPECT_NE(ring->Find(1), nullptr);
}

TEST_F(KeyRingTest, StartsThatSealOneMessageCountAsManyAsTheyReserved) {
  Create();
  constexpr std::uint64_t kStarts = kDataKeyMessagesMax / kMessagesReserved;
  for (std::uint64_t start = 0; start < kStarts; ++start) {
    ASSERT_EQ(Take(*Open(), 1), 1U) << start;
    CutPower();
  }
  EXPECT_EQ(Take(*Open(), 1), 2U);
}

TEST_F(KeyRingTest, TheRingsOfStoreAndSpoolCountTogether) {
  Create();
  const KeyRingPtr store = Open();
  const KeyRingPtr spool = Open();
  std::uint64_t taken = 0;
  while (Take(*store, kMessagesReserved) == 1 && Take(*spool, kMessagesReserved) == 1) {
    taken += 2 * kMessagesReserved;
  }
  EXPECT_EQ(taken, kDataKeyMessagesMax);
}

TEST_F(KeyRingTest, NoCutWhileReservingLosesAKeyOrACount) {
  // Used up once: that takes a write for each of two thousand reservations.
  Create();
  const KeyRingPtr first = Open();
  for (std::uint64_t i = 0; i < kDataKeyMessagesMax / kMessagesReserved; ++i) {
    Take(*first, kMessagesReserved);
  }
  const std::string keys = KeysPath(path());
  const auto used_up = ReadSmallFile(*files_, keys, 1U << 20);
  ASSERT_TRUE(used_up) << used_up.error().Text();
  for (const Verdict cut : kCuts) {
    for (std::uint64_t number = 1;; ++number) {
      NewDisk(number);
      ASSERT_TRUE(WriteSmallFile(*files_, path(), keys, *used_up));
      KeyRingPtr ring = Open();
      bool sealed = false;
      const bool reached = CutsAt(number, cut, [&] { sealed = ring->Take(1).has_value(); });
      if (!reached) break;
      EXPECT_FALSE(sealed) << "what no file counts must not be sealed";
      Restart();
      ring = Open();
      ASSERT_NE(ring, nullptr) << number;
      EXPECT_NE(ring->Find(1), nullptr);
      EXPECT_EQ(Take(*ring, 1), 2U);
    }
  }
}

TEST_F(KeyRingTest, ACutWhileTheKeyChangesLeavesTheOldOneOrTheNewOne) {
  int points = 0;
  for (const Verdict cut : kCuts) {
    for (std::uint64_t number = 1;; ++number, ++points) {
      NewDisk(number);
      {
        auto store = OpenStore(TestKey(1));
        ASSERT_TRUE(store) << store.error().Text();
        ASSERT_TRUE((*store)->Write({{PutEpoch{{{1, 11}, 7}}}}));
      }
      bool changed = false;
      const bool reached = CutsAt(number, cut, [&] {
        changed = RekeyStateOn(files_, path(), TestKey(1), TestKey(2)).has_value();
      });
      if (!reached) {
        EXPECT_TRUE(changed);
        break;
      }
      EXPECT_FALSE(changed);
      Restart();
      const bool with_old = OpenStore(TestKey(1)).has_value();
      const bool with_new = OpenStore(TestKey(2)).has_value();
      EXPECT_NE(with_old, with_new) << "cut " << static_cast<int>(cut) << " at " << number;
      // And it can be changed, whatever the last try left.
      if (with_old) {
        const auto again = RekeyStateOn(files_, path(), TestKey(1), TestKey(2));
        ASSERT_TRUE(again) << again.error().Text();
      }
      auto store = OpenStore(TestKey(2));
      ASSERT_TRUE(store) << store.error().Text();
      EXPECT_EQ((*store)->recovered().epoch.starts, 7U);
    }
  }
  EXPECT_GE(points, 10);
}

TEST_F(KeyRingTest, ACutWhileAStateIsMadeLeavesOneThatItsKeyOpens) {
  std::uint64_t number = 1;
  for (;; number += kCutStep) {
    NewDisk(number);
    const bool reached = CutsAt(number, kCuts[number % 2], [&] {
      auto store = OpenStore(TestKey(1));
      if (store) (void)(*store)->Write({{PutEpoch{{{1, 11}, 7}}}}).has_value();
    });
    if (!reached) break;
    Restart();
    auto store = OpenStore(TestKey(1));
    ASSERT_TRUE(store) << "cut at " << number << ": " << store.error().Text();
    ASSERT_TRUE((*store)->Write({{PutEpoch{{{2, 22}, 8}}}}));
    store->reset();
    EXPECT_EQ(OpenStore({}).error().reason, Reason::state_key_missing);
  }
  EXPECT_GE(number, 60U);
}

TEST_F(KeyRingTest, WhatWasSyncedInAnEncryptedSpoolOutlivesThePower) {
  const Bytes update = SampleContents(1, 100'000);
  const auto open = [&] {
    auto spool = OpenSpoolOn(files_, path(), TestKey(1));
    EXPECT_TRUE(spool) << spool.error().Text();
    EXPECT_TRUE((*spool)->Prepare(update.size(), 2));
    return std::move(*spool);
  };
  for (const Unsynced unsynced : {Unsynced::lost, Unsynced::mixed}) {
    NewDisk(3);
    Create();
    auto spool = open();
    ASSERT_TRUE(spool->Write(1, 0, ByteSpan(update).first(70'000)));
    ASSERT_TRUE(spool->Write(1, 70'000, ByteSpan(update).subspan(70'000)));
    ASSERT_TRUE(spool->Sync());
    ASSERT_TRUE(spool->Write(0, 0, update));
    CutPower(unsynced);
    spool = open();
    Bytes read(update.size());
    const Status status = spool->Read(1, 0, read);
    ASSERT_TRUE(status) << status.error().Text();
    EXPECT_EQ(read, update);
    const Status unsynced_read = spool->Read(0, 0, read);
    EXPECT_TRUE(!unsynced_read || read == update) << "other bytes were given out";
  }
}

}  // namespace
}  // namespace muster::checkpoint
