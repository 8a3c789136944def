// The model of store and spool against the real ones: whatever is written, dropped, cut and opened
// again, both hold the same.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/limits.h"
#include "common/random.h"
#include "tests/checkpoint/samples.h"
#include "tests/simulator/both_tiers.h"
#include "tests/simulator/seed_count.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

/// With fewer something may happen not to occur.
constexpr std::uint64_t kSeedsForAll = 40;
const std::uint64_t kSeeds = SeedCount("MUSTER_STORE_MODEL_SEEDS", kSeedsForAll);
constexpr int kOperations = 60;
constexpr std::uint32_t kExtents = 5;
constexpr std::uint64_t kSpoolExtentBytes = 8'192;

/// What may be drawn.
struct Draws {
  std::vector<Unsynced> cuts;
  bool faults = false;  ///< A full disk, and operations that fail.
};

/// Random operations in an order that a coordinator could ask for: what a version follows from is
/// there when it is committed, and head is stored before its updates are cleared.
class Script {
 public:
  Script(std::uint64_t seed, const std::string& state_dir, Draws draws)
      : random_(seed, "store_model_test", {}), tiers_(seed, state_dir), draws_(std::move(draws)) {}

  void Run() {
    tiers_.Open();
    tiers_.PrepareSpool(kSpoolExtentBytes, extents_);
    for (int i = 0; i < kOperations && !tiers_.differs(); ++i) Step();
    if (!tiers_.differs()) Reopen();
  }

  BothTiers& tiers() { return tiers_; }
  /// How often each kind of operation was drawn.
  const std::map<std::string, std::uint64_t>& done() const { return done_; }

 private:
  bool Chance(std::uint64_t one_in) { return random_.Below(one_in) == 0; }
  const RecoveredState& state() const { return tiers_.state().state(); }
  Version head() const { return tiers_.state().head().value_or(0); }
  bool head_is_stored() const { return tiers_.chunks().contains(head()); }
  Round closed() const { return state().last_record ? state().last_record->round : 0; }

  void Step() {
    struct Choice {
      const char* name;
      std::uint64_t share;
      void (Script::*act)();
    };
    static const std::vector<Choice> kChoices = {
        {"batch", 30, &Script::WriteSmall}, {"accept", 12, &Script::Accept},
        {"commit", 12, &Script::Commit},    {"version", 10, &Script::StoreVersion},
        {"clear", 5, &Script::Clear},       {"drop", 5, &Script::Drop},
        {"spool", 14, &Script::WriteSpool}, {"spool sync", 4, &Script::SyncSpool},
        {"spool grows", 1, &Script::Grow},  {"upkeep", 2, &Script::Upkeep},
        {"open", 4, &Script::Reopen},       {"cut", 6, &Script::Cut},
        {"full", 2, &Script::FillUp},       {"failure", 3, &Script::FailSomething}};
    std::uint64_t all = 0;
    for (const Choice& choice : kChoices) all += choice.share;
    std::uint64_t drawn = random_.Below(all);
    for (const Choice& choice : kChoices) {
      if (drawn < choice.share) {
        ++done_[choice.name];
        return (this->*choice.act)();
      }
      drawn -= choice.share;
    }
  }

  void Write(std::vector<Mutation> mutations) {
    tiers_.Write({std::move(mutations), /*sync=*/Chance(2)});
  }

  Mutation SmallMutation() {
    const auto number = static_cast<std::uint32_t>(random_.Below(6));
    switch (random_.Below(10)) {
      case 0:
        return PutJob{SampleJob()};
      case 1:
        return PutEpoch{{{random_.Below(100), random_.Next()}, number}};
      case 2:
        return PutLineage{{{1 + number, random_.Next()}, number, number}};
      case 3:
        return PutRosterEntry{SampleRosterEntry(number)};
      case 4:
        return PutFate{SampleFate(number, random_.Below(9))};
      case 5:
        return PutEvaluation{SampleEvaluation(random_.Below(9))};
      case 6:
        return PutFinish{{Reason::finished, number}};
      case 7:
        return ClearFinish{};
      case 8:
        // Some take others away, that are there or not.
        return PutPastEpoch{
            {1 + number + limits::kPastEpochsMax * random_.Below(2), random_.Next()}};
      default:
        return PutOpenRound{SampleOpenRound(closed() + 1)};
    }
  }

  void WriteSmall() {
    std::vector<Mutation> mutations;
    for (std::uint64_t i = 1 + random_.Below(3); i > 0; --i) mutations.push_back(SmallMutation());
    Write(std::move(mutations));
  }

  void Accept() {
    AcceptedUpdate update = SampleAccepted(static_cast<std::uint32_t>(random_.Below(6)));
    update.id.round = update.counts_in = closed() + 1;
    update.weight = 1 + random_.Below(9);
    Write({PutAccepted{update}});
  }

  // The chunks of one version are the same whenever it is stored.
  std::vector<Bytes> ChunksOf(Version version) const {
    if (version % 7 != 3) return {SampleContents(version, 256)};
    return {SampleContents(version, limits::kVersionChunkBytes), SampleContents(version + 1, 128)};
  }
  VersionManifest ManifestOf(Version version) const {
    Bytes contents;
    for (const Bytes& chunk : ChunksOf(version)) {
      contents.insert(contents.end(), chunk.begin(), chunk.end());
    }
    return SampleManifest(version, contents);
  }

  void Commit() {
    if (!state().head) {
      if (!tiers_.chunks().contains(0)) tiers_.StoreVersion(0, ChunksOf(0), true);
      return Write({PutVersion{ManifestOf(0)}, PutRoundRecord{SampleRoundRecord(0)}});
    }
    if (!head_is_stored()) return StoreVersion();
    const Version next = head() + 1;
    // Without updates it follows from its chunks alone.
    if (state().accepted.empty() && !tiers_.chunks().contains(next)) {
      tiers_.StoreVersion(next, ChunksOf(next), true);
    }
    RoundRecord record = SampleRoundRecord(next);
    record.round = closed() + 1;
    std::vector<Mutation> mutations = {ClearOpenRound{}, PutVersion{ManifestOf(next)},
                                       PutRoundRecord{record}};
    for (const AcceptedUpdate& update : state().accepted) {
      mutations.push_back(PutFate{{update.id, update.digest, true, next}});
    }
    Write(std::move(mutations));
  }

  void StoreVersion() {
    const Version version = head_is_stored() || !state().head ? head() + 1 : head();
    tiers_.StoreVersion(version, ChunksOf(version), /*finish=*/!Chance(4));
  }

  void Clear() {
    if (state().head && head_is_stored()) Write({ClearAccepted{closed()}});
  }

  void Drop() {
    if (!state().head || head() < 2) return;
    const Version version = random_.Below(head() - 1);
    tiers_.DropVersion(version);
  }

  // Each extent in order; again from its beginning once all is durable.
  void WriteSpool() {
    const auto extent = static_cast<std::uint32_t>(random_.Below(extents_));
    std::uint64_t& filled = filled_[extent];
    if (filled == kSpoolExtentBytes) {
      SyncSpool();
      filled = 0;
    }
    const std::uint64_t size =
        1 + random_.Below(std::min<std::uint64_t>(3'000, kSpoolExtentBytes - filled));
    tiers_.WriteSpool(extent, filled, SampleContents(random_.Next(), size));
    filled += size;
  }
  void SyncSpool() { tiers_.SyncSpool(); }
  void Grow() {
    if (extents_ < kExtents) tiers_.PrepareSpool(kSpoolExtentBytes, ++extents_);
  }

  void Upkeep() { tiers_.RunUpkeep(); }

  void Reopen() {
    tiers_.Close();
    tiers_.Open();
  }

  void Cut() {
    tiers_.Cut(draws_.cuts[random_.Below(draws_.cuts.size())]);
    ForgetSpool();
  }
  // What was unsynced may be written again, whatever became of it.
  void ForgetSpool() {
    for (auto& [extent, filled] : filled_) filled = 0;
  }

  void FillUp() {
    if (!draws_.faults) return;
    tiers_.SetFull(true);
    WriteSmall();
    if (Chance(2)) Drop();
    if (Chance(2)) tiers_.StoreVersion(head() + 1, ChunksOf(head() + 1), true);
    WriteSpool();
    if (Chance(2)) SyncSpool();
    WriteSmall();
    tiers_.SetFull(false);
    WriteSmall();
  }

  void FailSomething() {
    if (!draws_.faults) return;
    const auto operation = static_cast<VolumeOperation>(random_.Below(kVolumeOperations));
    tiers_.Fail(operation, [&] {
      switch (operation) {
        case VolumeOperation::batch_write:
        case VolumeOperation::batch_sync:
          tiers_.Write({{SmallMutation()}, /*sync=*/true});
          return WriteSmall();
        case VolumeOperation::version_sync:
          return tiers_.StoreVersion(head() + 1, ChunksOf(head() + 1), true);
        case VolumeOperation::spool_write:
          return WriteSpool();
        case VolumeOperation::spool_sync:
          return SyncSpool();
      }
    });
    ForgetSpool();
  }

  KeyedStream random_;
  BothTiers tiers_;
  const Draws draws_;
  std::uint32_t extents_ = 2;
  std::map<std::uint32_t, std::uint64_t> filled_;
  std::map<std::string, std::uint64_t> done_;
};

class StoreModelTest : public ::testing::Test {
 protected:
  void RunSeeds(const Draws& draws) {
    const TempDir state_dir;
    std::map<std::string, std::uint64_t> done;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Script script(seed, state_dir.path(), draws);
      script.Run();
      for (const auto& [name, count] : script.done()) done[name] += count;
      none_ += script.tiers().cuts_to_none;
      some_ += script.tiers().cuts_to_some;
      all_ += script.tiers().cuts_to_all;
      if (HasFailure()) return;
    }
    std::printf("seeds 1 to %llu:", static_cast<unsigned long long>(kSeeds));
    for (const auto& [name, count] : done) {
      std::printf(" %llu %s", static_cast<unsigned long long>(count), name.c_str());
    }
    std::printf("\n");
  }

  std::uint64_t none_ = 0, some_ = 0, all_ = 0;
};

TEST_F(StoreModelTest, WhatIsLostOrKeptAtACutIsWhatTheStoreAndTheSpoolLoseOrKeep) {
  RunSeeds({.cuts = {Unsynced::lost, Unsynced::kept}});
}

TEST_F(StoreModelTest, AMixedCutLeavesBatchesThatTheModelAllows) {
  RunSeeds({.cuts = {Unsynced::mixed}});
  std::printf("of the batches that were not synced, %llu cuts left none, %llu some, %llu all\n",
              static_cast<unsigned long long>(none_), static_cast<unsigned long long>(some_),
              static_cast<unsigned long long>(all_));
  if (kSeeds < kSeedsForAll) return;
  EXPECT_GT(none_, 0U);
  EXPECT_GT(some_, 0U);
  EXPECT_GT(all_, 0U);
}

TEST_F(StoreModelTest, FullAndFailingDisksAreReportedAndSurvivedAlike) {
  RunSeeds({.cuts = {Unsynced::lost, Unsynced::kept, Unsynced::mixed}, .faults = true});
}

// A model that forgets nothing would pass every comparison but this one.
TEST_F(StoreModelTest, AModelThatKeepsUnsyncedBatchesIsSeen) {
  const TempDir state_dir;
  BothTiers tiers(1, state_dir.path());
  tiers.Open();
  tiers.Write({{PutFinish{{Reason::finished, 1}}}, /*sync=*/false});
  tiers.model_disk().SettleBatches();
  EXPECT_NONFATAL_FAILURE(tiers.Cut(Unsynced::lost), "the recovered states differ");
}

}  // namespace
}  // namespace muster::simulator
