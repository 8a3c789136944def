// Federations with peers that mean harm: whatever they say, nothing stops, the others' updates
// count, and what is refused is counted by its reason.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/limits.h"
#include "simulator/federation/impostor.h"
#include "simulator/federation/synthetic_setup.h"
#include "simulator/store/model_volume.h"
#include "tests/simulator/seed_count.h"

namespace muster::simulator {
namespace {

/// With fewer seeds something may happen not to occur.
constexpr std::uint64_t kSeedsLeast = 40;
const std::uint64_t kSeeds = SeedCount("MUSTER_FEDERATION_SEEDS", kSeedsLeast, kSeedsLeast);
constexpr std::uint32_t kParticipants = 5;
constexpr Round kRounds = 5;
constexpr Micros kPatience = 3'600'000 * kMillisecond;

const Chances kHarm = {{FaultKind::babble, 0.3}, {FaultKind::stale, 0.1},
                       {FaultKind::replay, 0.2}, {FaultKind::poison, 0.3},
                       {FaultKind::usurp, 0.05}, {FaultKind::flood, 0.01}};

class HostileTest : public ::testing::Test {
 protected:
  /// What honest participants trained, and what the coordinator counts.
  struct Witness : Watcher {
    void OnTrained(RosterIndex who, const Trained& what) override {
      trained[{who, what.id}] = Xxh128Of(what.update);
    }
    void OnStepped(const coordinator::CoordinatorCore& core, MonotonicMs now) override {
      if (++steps % 16 == 0) counters = core.Status(now).counters;
    }
    void OnParticipantEffect(RosterIndex, const participant::Effect& effect) override {
      const auto* notice = std::get_if<participant::Notice>(&effect);
      if (notice == nullptr) return;
      if (notice->kind == participant::NoticeKind::coordinator_refused) ++refused[notice->reason];
      if (notice->kind == participant::NoticeKind::ignored) ++ignored[notice->reason];
      if (notice->reason == Reason::digest_mismatch) ++refused[notice->reason];
    }
    std::uint64_t steps = 0;
    std::map<std::pair<RosterIndex, UpdateId>, Xxh128Digest> trained;
    std::map<std::string, std::uint64_t> counters;
    std::map<Reason, std::uint64_t> refused, ignored;
  };

  static CoordinatorSetup SetupOf(std::uint32_t goal) {
    constexpr std::uint64_t kParameters = 3'001;  // A gap behind it.
    CoordinatorSetup setup = SyntheticSetup(kParticipants, kParameters, kRounds);
    setup.job.seed = 3;
    setup.job.round.goal = goal;
    setup.job.round.quorum = kParticipants - 1;
    setup.job.round.over_select = static_cast<double>(kParticipants) / goal;
    setup.options.deadline_ms = 8'000;
    setup.options.lease_ms = 2'000;
    return setup;
  }

  RunResult Play(std::uint64_t seed, const Faults& faults, CoordinatorSetup setup) {
    Federation federation(World(seed, faults), std::make_shared<ModelVolume>(seed),
                          std::move(setup));
    witness_ = Witness();
    federation.observer().Add(witness_);
    RunResult result = federation.Run(kPatience);
    hash_ = federation.world().hash();
    for (const auto& [name, count] : witness_.counters) counters_[name] += count;
    for (const auto& [reason, count] : witness_.refused) refused_[reason] += count;
    for (const std::string& violation : result.violations) {
      ADD_FAILURE() << "seed " << seed << ": " << violation;
    }
    EXPECT_TRUE(result.finished) << "seed " << seed << " stands still: " << result.waiting;
    Add(result.happened);
    return result;
  }

  void Add(const Happened& one) {
    for (std::size_t i = 0; i < said_.size(); ++i) said_[i] += one.hostile_said[i];
    for (std::size_t i = 0; i < flaws_.size(); ++i) flaws_[i] += one.hostile_flaws[i];
  }

  /// What counts is what honest ones trained, or lies in a hostile's slot.
  void ExpectHonestUpdatesCount(const RunResult& run, const std::set<RosterIndex>& hostile,
                                std::size_t honest_least) {
    for (const RoundRecord& record : run.records) {
      std::size_t honest = 0;
      for (const RecordedUpdate& update : record.accepted) {
        if (hostile.contains(update.id.slot)) continue;
        ++honest;
        const auto trained = witness_.trained.find({update.id.slot, update.id});
        ASSERT_TRUE(trained != witness_.trained.end()) << update.id.Text();
        EXPECT_EQ(trained->second, update.digest) << update.id.Text();
      }
      EXPECT_GE(honest, honest_least) << "round " << record.round;
    }
  }

  Witness witness_;
  std::uint64_t hash_ = 0;
  std::map<std::string, std::uint64_t> counters_;
  std::map<Reason, std::uint64_t> refused_;
  std::array<std::uint64_t, kMessageKinds> said_{};
  std::array<std::uint64_t, kFlaws> flaws_{};
};

TEST_F(HostileTest, AnEnrolledOneCanSpoilNoSlotButItsOwn) {
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    Faults faults{.chances = kHarm, .hostile = {2}};
    faults.chances[FaultKind::cut] = 0.005;
    const RunResult run = Play(seed, faults, SetupOf(kParticipants));
    ExpectHonestUpdatesCount(run, {2}, kParticipants - 1);
  }
  for (std::size_t i = 0; i < said_.size(); ++i) EXPECT_GT(said_[i], 0U) << "message " << i;
  for (std::size_t i = 0; i < flaws_.size(); ++i) EXPECT_GT(flaws_[i], 0U) << "flaw " << i;
  for (const char* reason :
       {"stale_epoch",       "unexpected_message", "malformed_message", "too_large",
        "identity_mismatch", "superseded",         "no_session",        "not_finite",
        "out_of_bound",      "digest_mismatch",    "checksum_mismatch", "weight_invalid",
        "size_mismatch",     "not_in_cohort",      "round_closed",      "base_version_wrong",
        "wrong_offset",      "not_held",           "wrong_job",         "protocol_unsupported"}) {
    EXPECT_GT(counters_["refused." + std::string(reason)], 0U) << reason;
  }
}

TEST_F(HostileTest, NothingButHarmChangesNoBitWhereItsSlotIsNotAskedFor) {
  // It is enrolled, and its index has no part of the data.
  const auto setup_of = [] {
    CoordinatorSetup setup = SetupOf(kParticipants - 1);
    setup.job.data.parts = kParticipants - 1;
    setup.job.round.over_select = 1;
    return setup;
  };
  const Sha256Digest quiet = Play(0, {.hostile = {kParticipants - 1}}, setup_of()).digest;
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    const Faults faults{.chances = kHarm, .hostile = {kParticipants - 1}};
    EXPECT_EQ(Play(seed, faults, setup_of()).digest, quiet) << "seed " << seed;
  }
}

TEST_F(HostileTest, TwoOfThemBlockNobody) {
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    Faults faults{.chances = kHarm, .hostile = {0, 3}};
    // Half of them do nothing but hold places with updates that never come to an end.
    if (seed % 2 == 0) faults.chances = {};
    faults.chances[FaultKind::poison] = 1;
    CoordinatorSetup setup = SetupOf(kParticipants - 2);
    setup.job.round.quorum = kParticipants - 2;
    const RunResult run = Play(seed, faults, std::move(setup));
    ExpectHonestUpdatesCount(run, {0, 3}, 1);
    // The places for uploads that they hold and do not use are given to others before long.
    EXPECT_LT(run.ended_at, kRounds * 60'000 * kMillisecond) << "seed " << seed;
  }
}

TEST_F(HostileTest, StrangersStayOutside) {
  std::uint64_t at_the_door = 0, inside = 0;
  const Sha256Digest quiet = Play(0, {}, SetupOf(kParticipants)).digest;
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    const Faults faults{.chances = {{FaultKind::stranger, 0.9}}, .strangers = 4};
    const RunResult run = Play(seed, faults, SetupOf(kParticipants));
    EXPECT_EQ(run.digest, quiet) << "seed " << seed;
    at_the_door += run.happened.strangers_at_the_door;
    inside += run.happened.strangers_inside;
  }
  EXPECT_GT(at_the_door, 0U);
  EXPECT_GT(inside, 0U);
  EXPECT_GT(counters_["refused.unknown_key"], 0U);
}

TEST_F(HostileTest, ParticipantsRefuseAFalseCoordinatorByReason) {
  const Sha256Digest quiet = Play(0, {}, SetupOf(kParticipants)).digest;
  std::uint64_t impostors = 0;
  for (std::uint64_t seed = 1; seed <= 2 * kSeeds && !HasFailure(); ++seed) {
    CoordinatorSetup setup = SetupOf(kParticipants);
    setup.job.round.quorum = kParticipants;
    const Faults faults{.chances = {{FaultKind::impostor, 0.4}, {FaultKind::cut, 0.03}}};
    const RunResult run = Play(seed, faults, std::move(setup));
    impostors += run.happened.impostors;
    EXPECT_EQ(run.digest, quiet) << "seed " << seed;
  }
  EXPECT_GT(impostors, 0U);
  for (const Reason reason :
       {Reason::coordinator_older, Reason::split_brain, Reason::unknown_lineage, Reason::wrong_job,
        Reason::malformed_message, Reason::digest_mismatch}) {
    EXPECT_GT(refused_[reason], 0U) << ReasonName(reason);
  }
}

TEST_F(HostileTest, OneSeedGivesOneRun) {
  Faults faults{.chances = kHarm, .deaths_max = 3, .hostile = {1}, .strangers = 2};
  for (const FaultKind kind : {FaultKind::stranger, FaultKind::impostor})
    faults.chances[kind] = 0.1;
  faults.chances[FaultKind::crash] = 0.003;
  for (std::uint64_t seed = 1; seed <= 5 && !HasFailure(); ++seed) {
    Play(seed, faults, SetupOf(kParticipants));
    const std::uint64_t hash = hash_;
    Play(seed, faults, SetupOf(kParticipants));
    EXPECT_EQ(hash_, hash) << "seed " << seed;
  }
}

// Its lies can be seen through by whoever remembers; of what flipped bits say nobody does.
TEST(ImpostorTest, IsSilentToAHelloWhoseBitsFlipped) {
  Welcome told;
  told.lineages.emplace_back();
  const auto welcome = std::make_shared<const Packet>(Packet{.message = told});
  Impostor impostor(static_cast<std::uint64_t>(Lie::other_nonce), welcome, nullptr);
  Hello hello;
  hello.seen = SeenState{};
  Packet heard{.message = hello};
  EXPECT_EQ(impostor.Answer(heard).size(), 1U);
  heard.garbled = true;
  EXPECT_TRUE(impostor.Answer(heard).empty());
}

}  // namespace
}  // namespace muster::simulator
