// Whole federations on the model of the store and on the real one: with the same seed and the same
// faults they do the same things at the same times, and end with the same model.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/record_codec.h"
#include "simulator/federation/synthetic_setup.h"
#include "simulator/store/model_volume.h"
#include "tests/simulator/seed_count.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

constexpr std::uint32_t kParticipants = 4;
constexpr Round kRounds = 5;
constexpr std::uint64_t kParameters = 3'000;  ///< More than a sector and a page.
constexpr Micros kPatience = 3'600'000 * kMillisecond;

const std::uint64_t kSeeds = SeedCount("MUSTER_TIERS_SEEDS", 20);

/// What a mixed cut leaves is drawn on each tier for itself; here it leaves what was synced, and
/// with `loses_all` so does every other.
class NothingMixed : public StateVolume {
 public:
  NothingMixed(std::shared_ptr<StateVolume> volume, bool loses_all)
      : volume_(std::move(volume)), loses_all_(loses_all) {}

  Result<std::unique_ptr<CheckpointStore>> OpenStore(OpenMode mode) override {
    return volume_->OpenStore(mode);
  }
  Result<std::unique_ptr<Spool>> OpenSpool() override { return volume_->OpenSpool(); }
  Status RunUpkeep(CheckpointStore& store) override { return volume_->RunUpkeep(store); }
  bool powered() const override { return volume_->powered(); }
  void CutPower(Unsynced unsynced) override {
    ++(unsynced == Unsynced::kept ? kept_ : lost_);
    volume_->CutPower(unsynced == Unsynced::mixed || loses_all_ ? Unsynced::lost : unsynced);
  }
  void Restart() override { volume_->Restart(); }
  std::uint64_t free_bytes() const override { return volume_->free_bytes(); }
  void SetFull(bool full) override { volume_->SetFull(full); }
  void FailNext(VolumeOperation operation) override { volume_->FailNext(operation); }
  std::optional<Flip> Rot(std::uint64_t draw) override { return volume_->Rot(draw); }
  Result<std::unique_ptr<CheckpointStore>> OpenDamaged() override { return volume_->OpenDamaged(); }
  std::shared_ptr<StateVolume> Copy() const override { return volume_->Copy(); }

  std::uint64_t kept() const { return kept_; }
  std::uint64_t lost() const { return lost_; }

 private:
  const std::shared_ptr<StateVolume> volume_;
  const bool loses_all_;
  std::uint64_t kept_ = 0, lost_ = 0;
};

struct Outcome {
  RunResult run;
  std::uint64_t hash = 0;
  std::uint64_t kept = 0, lost = 0;
};

class TiersTest : public ::testing::Test {
 protected:
  CoordinatorSetup SetupOf(std::uint64_t seed) const {
    CoordinatorSetup setup = SyntheticSetup(kParticipants, kParameters, kRounds);
    setup.job.seed = seed;
    setup.job.round.quorum = kParticipants - 1;
    setup.job.strategy.server_momentum = 0.5;
    setup.options.deadline_ms = 60'000;
    setup.options.lease_ms = 2'000;
    setup.options.retention = {2, 3};
    setup.state_dir = state_dir_.path();
    setup.upkeep = checkpoint::Upkeep::by_hand;
    return setup;
  }

  Outcome Play(std::uint64_t seed, const Faults& faults, std::shared_ptr<StateVolume> tier,
               bool loses_all = false) const {
    auto volume = std::make_shared<NothingMixed>(std::move(tier), loses_all);
    Federation federation(World(seed, faults), volume, SetupOf(seed));
    Outcome outcome;
    outcome.run = federation.Run(kPatience);
    outcome.hash = federation.world().hash();
    outcome.kept = volume->kept();
    outcome.lost = volume->lost();
    for (const std::string& violation : outcome.run.violations) ADD_FAILURE() << violation;
    EXPECT_TRUE(outcome.run.finished) << outcome.run.waiting;
    return outcome;
  }
  Outcome OnModel(std::uint64_t seed, const Faults& faults, bool loses_all = false) const {
    return Play(seed, faults, std::make_shared<ModelVolume>(seed), loses_all);
  }
  Outcome OnDisk(std::uint64_t seed, const Faults& faults) const {
    return Play(seed, faults,
                std::make_shared<DiskVolume>(std::make_shared<VirtualDisk>(seed), state_dir_.path(),
                                             checkpoint::Upkeep::by_hand, StateKey()));
  }

  static void ExpectEqual(const Outcome& model, const Outcome& disk) {
    EXPECT_EQ(model.hash, disk.hash);
    EXPECT_EQ(model.run.happened.events, disk.run.happened.events);
    EXPECT_EQ(model.run.digest, disk.run.digest);
    EXPECT_EQ(model.run.ended_at, disk.run.ended_at);
    ASSERT_EQ(model.run.records.size(), disk.run.records.size());
    for (std::size_t i = 0; i < model.run.records.size(); ++i) {
      EXPECT_EQ(EncodeRecord(model.run.records[i]), EncodeRecord(disk.run.records[i]));
    }
  }

  const TempDir state_dir_;  ///< The lock file alone lies there.
};

TEST_F(TiersTest, EqualSeedsGiveEqualRunsOnTheModelAndOnTheRealStore) {
  const Faults faults{.chances = {{FaultKind::duplicate, 0.02},
                                  {FaultKind::lose, 0.01},
                                  {FaultKind::cut, 0.01},
                                  {FaultKind::crash, 0.04},
                                  {FaultKind::stop, 0.002}},
                      .deaths_max = 20};
  std::uint64_t events = 0, kept = 0, lost = 0, kills = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Outcome model = OnModel(seed, faults);
    ExpectEqual(model, OnDisk(seed, faults));
    events += model.run.happened.events;
    kept += model.kept;
    lost += model.lost;
    kills += model.run.happened.coordinator_crashes;
  }
  std::printf(
      "seeds 1 to %llu: %llu events, %llu coordinators killed, %llu cuts that kept all, "
      "%llu that lost what was not synced\n",
      static_cast<unsigned long long>(kSeeds), static_cast<unsigned long long>(events),
      static_cast<unsigned long long>(kills), static_cast<unsigned long long>(kept),
      static_cast<unsigned long long>(lost));
  EXPECT_GT(kept, 0U);
  EXPECT_GT(lost, 0U);
}

TEST_F(TiersTest, AnUndisturbedRunIsTheSameOnBoth) { ExpectEqual(OnModel(1, {}), OnDisk(1, {})); }

// Kept or lost must matter: a model that loses too much does not pass by itself.
TEST_F(TiersTest, AModelThatLosesWhatTheStoreKeepsPartsTheRuns) {
  const Faults faults{.chances = {{FaultKind::crash, 0.05}}, .deaths_max = 20};
  std::uint64_t parted = 0;
  for (std::uint64_t seed = 1; seed <= 10 * kSeeds && parted == 0; ++seed) {
    const Outcome kept = OnModel(seed, faults);
    const Outcome lost = OnModel(seed, faults, /*loses_all=*/true);
    parted += kept.hash != lost.hash ? 1 : 0;
  }
  EXPECT_GT(parted, 0U);
}

}  // namespace
}  // namespace muster::simulator
