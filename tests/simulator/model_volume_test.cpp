// What can go wrong on a model volume beside a power cut, and what is seen of it.
#include "simulator/store/model_volume.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "simulator/store/disk_volume.h"
#include "tests/checkpoint/samples.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

constexpr std::uint64_t kExtentBytes = 8'192;

Reason ReasonOf(const Status& status) { return status ? Reason::finished : status.error().reason; }

Reason OpenReason(StateVolume& volume) {
  const auto store = volume.OpenStore(OpenMode::create_or_open);
  return store ? Reason::finished : store.error().reason;
}

/// Version 0 with its record, a member, the fate of a slot, an accepted update with its bytes.
class ModelVolumeTest : public ::testing::Test {
 protected:
  void SetUp() override { Fill(*volume_); }

  static void Fill(StateVolume& volume) {
    auto store = volume.OpenStore(OpenMode::create_or_open);
    ASSERT_TRUE(store.has_value()) << store.error().Text();
    const Bytes contents = SampleContents(0, 256);
    auto writer = (*store)->BeginVersion(0);
    ASSERT_TRUE(writer.has_value());
    ASSERT_TRUE((*writer)->Append(contents).has_value());
    ASSERT_TRUE((*writer)->Finish().has_value());
    writer->reset();
    AcceptedUpdate update = SampleAccepted(1);
    update.extent.index = 1;
    ASSERT_TRUE(
        (*store)
            ->Write({{PutVersion{SampleManifest(0, contents)}, PutRoundRecord{SampleRoundRecord(0)},
                      PutRosterEntry{SampleRosterEntry(0)}, PutFate{SampleFate(3, 0)},
                      PutAccepted{update}}})
            .has_value());
    auto spool = volume.OpenSpool();
    ASSERT_TRUE(spool.has_value());
    ASSERT_TRUE((*spool)->Prepare(kExtentBytes, 2).has_value());
    ASSERT_TRUE((*spool)->Write(1, 0, SampleContents(9, kExtentBytes)).has_value());
    ASSERT_TRUE((*spool)->Sync().has_value());
  }

  Bytes ReadSpool(StateVolume& volume) {
    auto spool = volume.OpenSpool();
    Bytes bytes(kExtentBytes);
    EXPECT_TRUE((*spool)->Prepare(kExtentBytes, 2).has_value());
    EXPECT_TRUE((*spool)->Read(1, 0, bytes).has_value());
    return bytes;
  }

  /// What a start and a look at all that is kept say.
  std::set<Reason> AllReads(StateVolume& volume) {
    auto store = volume.OpenStore(OpenMode::create_or_open);
    if (!store) return {store.error().reason};
    std::set<Reason> said;
    const auto manifest = (*store)->ReadManifest(0);
    said.insert(manifest ? Reason::finished : manifest.error().reason);
    if (manifest) {
      const auto chunk = (*store)->ReadVersionChunk(*manifest, 0);
      said.insert(chunk ? Reason::finished : chunk.error().reason);
    }
    said.insert(
        ReasonOf((*store)->ForEachRoundRecord([](const RoundRecord&) { return Status(); })));
    return said;
  }

  const std::shared_ptr<ModelVolume> volume_ = std::make_shared<ModelVolume>(1);
};

TEST_F(ModelVolumeTest, WhateverRotsIsFoundOut) {
  const Bytes whole = ReadSpool(*volume_);
  ASSERT_EQ(AllReads(*volume_), std::set<Reason>{Reason::finished});
  std::set<std::string> rotten;
  for (std::uint64_t draw = 0; draw < 40; ++draw) {
    const std::shared_ptr<StateVolume> copy = volume_->Copy();
    const auto flip = copy->Rot(draw);
    ASSERT_TRUE(flip.has_value());
    const std::string& what = flip->name;
    rotten.insert(what);
    const bool in_spool = flip->in == FlippedIn::spool;
    EXPECT_EQ(ReadSpool(*copy) != whole, in_spool) << what;
    EXPECT_EQ(AllReads(*copy).contains(Reason::damage), !in_spool) << what;
  }
  // The chunk, its record and manifest, the member, the fate, the update.
  EXPECT_EQ(rotten.size(), 6U);
}

TEST_F(ModelVolumeTest, NothingRotsWhereNothingLies) { EXPECT_FALSE(ModelVolume(2).Rot(7)); }

TEST_F(ModelVolumeTest, ASecondWriterIsRefusedAndACopyIsAnotherMachine) {
  const auto store = volume_->OpenStore(OpenMode::create_or_open);
  ASSERT_TRUE(store.has_value());
  EXPECT_EQ(OpenReason(*volume_), Reason::state_in_use);
  ASSERT_TRUE((*store)->Write({{PutFinish{{Reason::finished, 5}}}, /*sync=*/false}).has_value());

  const std::shared_ptr<StateVolume> copy = volume_->Copy();
  const auto other = copy->OpenStore(OpenMode::create_or_open);
  ASSERT_TRUE(other.has_value());
  EXPECT_FALSE((*other)->recovered().finish.has_value()) << "what is not synced is not copied";
  EXPECT_EQ((*other)->recovered().roster.size(), 1U);
  ASSERT_TRUE((*other)->Write({{PutRosterEntry{SampleRosterEntry(1)}}}).has_value());
  EXPECT_EQ((*store)->ReadState()->roster.size(), 1U);
}

TEST_F(ModelVolumeTest, WhatWasOpenBeforeACutFailsAfterIt) {
  const auto store = volume_->OpenStore(OpenMode::create_or_open);
  const auto spool = volume_->OpenSpool();
  ASSERT_TRUE((*spool)->Prepare(kExtentBytes, 2).has_value());
  volume_->CutPower(Unsynced::lost);
  EXPECT_EQ(OpenReason(*volume_), Reason::io_failed);
  volume_->Restart();
  EXPECT_EQ(ReasonOf((*store)->Write({})), Reason::io_failed);
  EXPECT_EQ(ReasonOf((*spool)->Sync()), Reason::io_failed);
  EXPECT_EQ(OpenReason(*volume_), Reason::finished);
}

TEST_F(ModelVolumeTest, AFailedSyncOfTheSpoolIsNotMendedByALaterOne) {
  const Bytes durable = ReadSpool(*volume_);
  {
    const auto spool = volume_->OpenSpool();
    ASSERT_TRUE((*spool)->Prepare(kExtentBytes, 2).has_value());
    ASSERT_TRUE((*spool)->Write(1, 0, SampleContents(10, 4'096)).has_value());
    volume_->FailNext(VolumeOperation::spool_sync);
    EXPECT_EQ(ReasonOf((*spool)->Sync()), Reason::io_failed);
    EXPECT_TRUE((*spool)->Sync().has_value());
  }
  EXPECT_NE(ReadSpool(*volume_), durable) << "the pages are cached";
  volume_->CutPower(Unsynced::lost);
  volume_->Restart();
  EXPECT_EQ(ReadSpool(*volume_), durable);
}

// Some sectors of an unsynced write are new and some are old, and none is torn within.
TEST_F(ModelVolumeTest, AMixedCutTearsWritesBetweenSectors) {
  const Bytes before = ReadSpool(*volume_);
  const Bytes after = SampleContents(11, kExtentBytes);
  std::uint64_t torn = 0;
  for (int i = 0; i < 30; ++i) {
    const auto machine = std::dynamic_pointer_cast<ModelVolume>(volume_->Copy());
    {
      const auto spool = machine->OpenSpool();
      ASSERT_TRUE((*spool)->Prepare(kExtentBytes, 2).has_value());
      ASSERT_TRUE((*spool)->Write(1, 0, after).has_value());
    }
    machine->CutPower(Unsynced::mixed);
    machine->Restart();
    const Bytes found = ReadSpool(*machine);
    std::uint64_t fresh = 0;
    for (std::uint64_t at = 0; at < kExtentBytes; at += kSectorBytes) {
      const auto sector = [at](const Bytes& bytes) {
        return ByteSpan(bytes).subspan(at, kSectorBytes);
      };
      const bool is_new = std::ranges::equal(sector(found), sector(after));
      EXPECT_TRUE(is_new || std::ranges::equal(sector(found), sector(before))) << at;
      fresh += is_new ? 1 : 0;
    }
    torn += fresh > 0 && fresh < kExtentBytes / kSectorBytes ? 1 : 0;
  }
  EXPECT_GT(torn, 0U);
}

TEST_F(ModelVolumeTest, AFullDiskRefusesAnOpenAsTheRealOneDoes) {
  const TempDir state_dir;
  DiskVolume real(std::make_shared<VirtualDisk>(1), state_dir.path(), checkpoint::Upkeep::by_hand,
                  StateKey());
  Fill(real);
  for (StateVolume* volume :
       {static_cast<StateVolume*>(&real), static_cast<StateVolume*>(volume_.get())}) {
    volume->SetFull(true);
    EXPECT_EQ(volume->free_bytes(), 0U);
    EXPECT_EQ(OpenReason(*volume), Reason::disk_full);
    volume->SetFull(false);
    EXPECT_EQ(OpenReason(*volume), Reason::finished);
  }
}

}  // namespace
}  // namespace muster::simulator
