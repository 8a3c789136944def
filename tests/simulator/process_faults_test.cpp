// What befalls processes, machines, disks, clocks and the roster: each really happens, no promise
// is broken by it, and where all deliver the model's digest is that of the undisturbed run.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "simulator/federation/synthetic_setup.h"
#include "simulator/store/model_volume.h"
#include "tests/simulator/seed_count.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

constexpr std::uint32_t kParticipants = 4;
constexpr Round kRounds = 24;
constexpr Micros kPatience = 24LL * 3'600'000 * kMillisecond;
/// Longer than any clock jumps in a run.
constexpr std::int64_t kNoDeadlineMs = 1'000'000'000;

const std::uint64_t kSeeds = SeedCount("MUSTER_FEDERATION_SEEDS", 40);

CoordinatorSetup SetupOf(std::uint32_t parts = kParticipants) {
  CoordinatorSetup setup = SyntheticSetup(kParticipants, 300, kRounds);
  setup.job.data.parts = parts;
  setup.job.strategy.server_momentum = 0.5;
  setup.options.deadline_ms = kNoDeadlineMs;
  setup.options.lease_ms = 2'000;
  return setup;
}

struct Played {
  RunResult result;
  std::uint64_t hash = 0;
  std::vector<StoryLine> story;
  std::vector<Fault> faults;
};

using Scene = std::function<void(Federation&)>;

Played Play(std::uint64_t seed, const Faults& faults, const CoordinatorSetup& setup,
            const Scene& scene = nullptr) {
  Federation federation(World(seed, faults), std::make_shared<ModelVolume>(seed), setup);
  if (scene) scene(federation);
  Played played{.result = federation.Run(kPatience)};
  played.hash = federation.world().hash();
  played.story = federation.world().story();
  played.faults = federation.world().schedule().happened();
  federation.observer().on_progress = nullptr;
  for (const std::string& violation : played.result.violations) {
    ADD_FAILURE() << "seed " << seed << ": " << violation;
  }
  EXPECT_TRUE(played.result.finished)
      << "seed " << seed << " stands still: " << played.result.waiting;
  return played;
}

class ProcessFaultsTest : public ::testing::Test {
 protected:
  /// Every seed ends with the digest of the undisturbed run. `seen` is given each run.
  void ExpectSameDigests(const Faults& faults, const std::function<void(const Happened&)>& seen) {
    const Sha256Digest quiet = Play(1, {}, SetupOf()).result.digest;
    for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
      const Played played = Play(seed, faults, SetupOf());
      EXPECT_EQ(played.result.digest, quiet) << "seed " << seed;
      seen(played.result.happened);
    }
  }
};

TEST_F(ProcessFaultsTest, ProcessesThatStandStillChangeNoBit) {
  std::uint64_t pauses = 0;
  ExpectSameDigests({.chances = {{FaultKind::pause, 0.02}}},
                    [&](const Happened& happened) { pauses += happened.pauses; });
  EXPECT_GT(pauses, kSeeds);
}

TEST_F(ProcessFaultsTest, SlowProcessesChangeNoBit) {
  std::uint64_t slowdowns = 0;
  ExpectSameDigests({.chances = {{FaultKind::slow, 0.2}}},
                    [&](const Happened& happened) { slowdowns += happened.slowdowns; });
  EXPECT_GT(slowdowns, kSeeds);
}

TEST_F(ProcessFaultsTest, ClocksThatJumpOrRunWildChangeNoBit) {
  std::uint64_t changes = 0;
  ExpectSameDigests({.chances = {{FaultKind::clock, 0.1}}},
                    [&](const Happened& happened) { changes += happened.clock_changes; });
  EXPECT_GT(changes, kSeeds);
}

TEST_F(ProcessFaultsTest, KillsAndPowerCutsOfEveryKindChangeNoBit) {
  Happened sum;
  ExpectSameDigests({.chances = {{FaultKind::crash, 0.01}}, .deaths_max = 5},
                    [&](const Happened& happened) {
                      sum.coordinator_crashes += happened.coordinator_crashes;
                      sum.power_cuts += happened.power_cuts;
                      sum.participant_crashes += happened.participant_crashes;
                    });
  EXPECT_GT(sum.power_cuts, 0U);
  EXPECT_GT(sum.coordinator_crashes, sum.power_cuts);
  EXPECT_GT(sum.participant_crashes, 0U);
}

TEST_F(ProcessFaultsTest, MachinesThatAreTakenChangeNoBit) {
  Happened sum;
  ExpectSameDigests({.chances = {{FaultKind::preempt, 0.05}}}, [&](const Happened& happened) {
    sum.preemptions += happened.preemptions;
    sum.machines_lost += happened.machines_lost;
    sum.participant_crashes += happened.participant_crashes;
    sum.stops += happened.stops;
  });
  EXPECT_GT(sum.preemptions, kSeeds);
  EXPECT_GT(sum.machines_lost, 0U) << "none came back with an empty directory";
  EXPECT_GT(sum.participant_crashes, 0U) << "none was killed and came back to its disk";
  EXPECT_GT(sum.stops, 0U) << "none had a notice";
}

TEST_F(ProcessFaultsTest, ParticipantsThatGoAndComeBackChangeNoBit) {
  std::uint64_t absences = 0;
  ExpectSameDigests({.chances = {{FaultKind::leave, 0.03}}},
                    [&](const Happened& happened) { absences += happened.absences; });
  EXPECT_GT(absences, 0U);
}

TEST_F(ProcessFaultsTest, AFullVolumeChangesNoBit) {
  std::uint64_t full = 0;
  ExpectSameDigests({.chances = {{FaultKind::disk_full, 0.1}}},
                    [&](const Happened& happened) { full += happened.disks_full; });
  EXPECT_GT(full, 0U);
}

TEST_F(ProcessFaultsTest, FailedWritesAndSyncsChangeNoBit) {
  std::uint64_t errors = 0;
  ExpectSameDigests({.chances = {{FaultKind::disk_error, 0.2}}},
                    [&](const Happened& happened) { errors += happened.disk_errors; });
  EXPECT_GT(errors, kSeeds);
}

TEST_F(ProcessFaultsTest, ASecondCoordinatorOnACopyBreaksNoPromiseOfTheFirst) {
  Happened sum;
  ExpectSameDigests(
      {.chances = {{FaultKind::twin, 0.1}, {FaultKind::crash, 0.002}}, .deaths_max = 3},
      [&](const Happened& happened) {
        sum.twins += happened.twins;
        sum.led_to_twins += happened.led_to_twins;
        sum.coordinators_refused += happened.coordinators_refused;
        sum.split_brains += happened.split_brains;
        sum.fresh_directories += happened.fresh_directories;
      });
  EXPECT_GT(sum.led_to_twins, 0U);
  EXPECT_GT(sum.fresh_directories, 0U) << "nobody who followed the second one starts afresh";
  EXPECT_GT(sum.coordinators_refused, 0U) << "nobody found the first one older than the second";
  if (kSeeds >= 40) {
    EXPECT_GT(sum.split_brains, 0U) << "nobody met two of one epoch";
  }
}

TEST_F(ProcessFaultsTest, RotIsFoundOrChangesNoBit) {
  const Sha256Digest quiet = Play(1, {}, SetupOf()).result.digest;
  std::uint64_t rots = 0, damaged = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    const Faults faults{.chances = {{FaultKind::rot, 0.05}, {FaultKind::crash, 0.005}},
                        .deaths_max = 5};
    const RunResult result = Play(seed, faults, SetupOf()).result;
    rots += result.happened.rots;
    damaged += result.damaged ? 1 : 0;
    EXPECT_TRUE(!result.damaged || result.happened.rots > 0);
    EXPECT_TRUE(result.damaged || result.digest == quiet) << "seed " << seed;
  }
  EXPECT_GT(rots, kSeeds / 4);
  EXPECT_GT(damaged, 0U);
}

/// A bit flips at 2 s, and the run is told of `told`; then the power goes, so that a start looks.
RunResult PlayRot(std::uint64_t draw, const std::function<void(Flips&, const Flip&)>& told) {
  const auto volume = std::make_shared<ModelVolume>(1);
  Federation federation(World(1, {}), volume, SetupOf());
  federation.world().At(2'000 * kMillisecond, kCoordinator, [&] {
    const auto flip = volume->Rot(draw);
    ASSERT_TRUE(flip.has_value());
    told(federation.world().flips(), *flip);
    federation.coordinator().Die(/*machine=*/true, Unsynced::lost);
  });
  return federation.Run(kPatience);
}

TEST_F(ProcessFaultsTest, DamageThatNobodyFlippedIsRefused) {
  int ended = 0, refused = 0, refused_of_another = 0;
  for (std::uint64_t draw = 0; draw < 40; ++draw) {
    const RunResult sound = PlayRot(draw, [](Flips& flips, const Flip& flip) { flips.Add(flip); });
    EXPECT_TRUE(sound.violations.empty()) << sound.violations.front();
    if (!sound.damaged) continue;
    ++ended;
    refused += !PlayRot(draw, [](Flips&, const Flip&) {}).violations.empty();
    const RunResult another = PlayRot(draw, [](Flips& flips, const Flip& flip) {
      const bool in_spool = flip.in == FlippedIn::spool;
      flips.Add(in_spool ? Flip{FlippedIn::spool, flip.name, flip.byte + (1U << 20U), "none"}
                         : Flip{FlippedIn::object, flip.name + "0", 0, {}});
    });
    refused_of_another += !another.violations.empty();
  }
  EXPECT_GT(ended, 3);
  EXPECT_EQ(refused, ended);
  EXPECT_EQ(refused_of_another, ended);
}

TEST_F(ProcessFaultsTest, WhatDamageLeavesIsJudged) {
  // A record of an old version rots as well, and nobody is told.
  const auto volume = std::make_shared<ModelVolume>(1);
  Federation federation(World(1, {}), volume, SetupOf());
  bool doubly = false;
  federation.world().At(2'000 * kMillisecond, kCoordinator, [&] {
    bool key = false, record = false;
    for (std::uint64_t draw = 0; draw < 200 && !(key && record); ++draw) {
      const auto looked = volume->Copy()->Rot(draw);
      const bool is_key = looked->name == "the job";
      const bool is_record = looked->name == "the round record of version 0";
      if ((is_key && key) || (is_record && record) || (!is_key && !is_record)) continue;
      const auto flip = volume->Rot(draw);
      if (is_key) federation.world().flips().Add(*flip);
      (is_key ? key : record) = true;
    }
    doubly = key && record;
    federation.coordinator().Die(/*machine=*/true, Unsynced::lost);
  });
  const RunResult run = federation.Run(kPatience);
  ASSERT_TRUE(doubly);
  EXPECT_TRUE(run.damaged);
  ASSERT_FALSE(run.violations.empty());
  EXPECT_NE(run.violations.front().find("cannot be read: damage: the round record of version 0"),
            std::string::npos)
      << run.violations.front();
}

TEST_F(ProcessFaultsTest, ARosterThatChangesBreaksNoPromise) {
  Happened sum;
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    const Faults faults{.chances = {{FaultKind::enroll, 0.1},
                                    {FaultKind::revoke, 0.03},
                                    {FaultKind::new_key, 0.03},
                                    {FaultKind::crash, 0.002}},
                        .deaths_max = 3};
    // Some newcomers have a part of the data, some have none.
    CoordinatorSetup setup = SetupOf(kParticipants + 3);
    setup.options.deadline_ms = 20'000;
    const Happened happened = Play(seed, faults, setup).result.happened;
    sum.enrolled += happened.enrolled;
    sum.revoked += happened.revoked;
    sum.new_keys += happened.new_keys;
  }
  EXPECT_GT(sum.enrolled, kSeeds);
  EXPECT_GT(sum.revoked, 0U);
  EXPECT_GT(sum.new_keys, sum.revoked / 2);
}

TEST_F(ProcessFaultsTest, WhoComesBackAfterWeeksLearnsWhatBecameOfItsUpdate) {
  constexpr RosterIndex kLate = 3;
  constexpr Micros kWeeks = 21LL * 24 * 3'600'000 * kMillisecond;
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    CoordinatorSetup setup = SetupOf();
    setup.job.round.quorum = kParticipants - 1;
    setup.options.deadline_ms = 5'000;
    bool came_back = false;
    const Scene scene = [&](Federation& federation) {
      federation.observer().on_progress = [&](Version head, Attempt) {
        World& world = federation.world();
        if (head == 1) {
          // In the middle of its work, wherever that is.
          const Micros soon = world.Between(ActorOf(kLate), 1, 400 * kMillisecond);
          world.At(world.now() + soon, ActorOf(kLate),
                   [&] { federation.participant(kLate).KeepAway(!came_back); });
        } else if (head == kRounds - 2 && !std::exchange(came_back, true)) {
          world.At(world.now(), kCoordinator, [&] {
            federation.coordinator().process().Jump(kWeeks);
            for (RosterIndex i = 0; i < kLate; ++i)
              federation.participant(i).process().Jump(kWeeks);
            federation.participant(kLate).KeepAway(false);
          });
        }
      };
    };
    const Played played = Play(seed, {}, setup, scene);
    EXPECT_TRUE(came_back);
    const auto slots = [](const RoundRecord& record) { return record.accepted.size(); };
    ASSERT_EQ(played.result.records.size(), kRounds);
    EXPECT_EQ(slots(played.result.records[3]), kParticipants - 1) << "seed " << seed;
    EXPECT_EQ(slots(played.result.records.back()), kParticipants) << "seed " << seed;
  }
}

Faults EverythingAtOnce() {
  return {.chances = {{FaultKind::duplicate, 0.01},
                      {FaultKind::cut, 0.003},
                      {FaultKind::crash, 0.002},
                      {FaultKind::stop, 0.0005},
                      {FaultKind::pause, 0.01},
                      {FaultKind::slow, 0.01},
                      {FaultKind::clock, 0.01},
                      {FaultKind::preempt, 0.01},
                      {FaultKind::leave, 0.01},
                      {FaultKind::disk_full, 0.02},
                      {FaultKind::disk_error, 0.02},
                      {FaultKind::twin, 0.01},
                      {FaultKind::enroll, 0.02},
                      {FaultKind::revoke, 0.005},
                      {FaultKind::new_key, 0.005}},
          .deaths_max = 3};
}

CoordinatorSetup SetupOfEverything() {
  CoordinatorSetup setup = SetupOf(kParticipants + 2);
  setup.options.deadline_ms = 20'000;
  return setup;
}

TEST_F(ProcessFaultsTest, OneSeedGivesOneRun) {
  for (std::uint64_t seed = 1; seed <= kSeeds / 4 && !HasFailure(); ++seed) {
    const Played first = Play(seed, EverythingAtOnce(), SetupOfEverything());
    const Played again = Play(seed, EverythingAtOnce(), SetupOfEverything());
    EXPECT_EQ(first.hash, again.hash) << "seed " << seed;
    EXPECT_EQ(first.faults, again.faults) << "seed " << seed;
    EXPECT_NE(first.hash, Play(seed + 1'000, EverythingAtOnce(), SetupOfEverything()).hash);
  }
}

TEST_F(ProcessFaultsTest, OneSeedGivesOneRunOnTheRealStore) {
  const auto play = [](std::uint64_t seed) {
    const TempDir directory;
    CoordinatorSetup setup = SetupOfEverything();
    setup.state_dir = directory.path();
    setup.upkeep = checkpoint::Upkeep::by_hand;
    Federation federation(seed, EverythingAtOnce(), setup);
    const RunResult result = federation.Run(kPatience);
    EXPECT_TRUE(result.violations.empty()) << "seed " << seed << ": " << result.violations.front();
    EXPECT_TRUE(result.finished) << "seed " << seed << ": " << result.waiting;
    return federation.world().hash();
  };
  for (std::uint64_t seed = 1; seed <= kSeeds / 10 && !HasFailure(); ++seed) {
    EXPECT_EQ(play(seed), play(seed)) << "seed " << seed;
  }
}

TEST_F(ProcessFaultsTest, TheListOfWhatHappenedGivesTheSameRun) {
  for (std::uint64_t seed = 1; seed <= kSeeds / 4 && !HasFailure(); ++seed) {
    const Played drawn = Play(seed, EverythingAtOnce(), SetupOfEverything());
    Federation listed(World(seed, EverythingAtOnce(), Schedule(drawn.faults)),
                      std::make_shared<ModelVolume>(seed), SetupOfEverything());
    listed.Run(kPatience);
    EXPECT_EQ(listed.world().hash(), drawn.hash) << "seed " << seed;
  }
}

TEST_F(ProcessFaultsTest, TheStoryDoesNotChangeTheRunAndTellsOfFallsStartsAndCommits) {
  const Played silent = Play(3, EverythingAtOnce(), SetupOfEverything());
  const Played told = Play(3, EverythingAtOnce(), SetupOfEverything(),
                           [](Federation& federation) { federation.world().TellStory(); });
  EXPECT_EQ(silent.hash, told.hash);
  EXPECT_TRUE(silent.story.empty());
  const auto tells = [&](const std::string& part) {
    return std::ranges::any_of(told.story, [&](const StoryLine& line) {
      return line.text.find(part) != std::string::npos;
    });
  };
  for (const char* part : {"FAULT", "starts", "is trained", "is accepted", "is committed",
                           "head is version", "enters report"}) {
    EXPECT_TRUE(tells(part)) << "the story does not say: " << part;
  }
}

TEST_F(ProcessFaultsTest, ASparedCoreFinishesWhileTheOthersSufferOn) {
  Faults faults = EverythingAtOnce();
  faults.chances[FaultKind::pause] = 0.2;
  faults.chances[FaultKind::preempt] = 0.2;
  faults.chances[FaultKind::leave] = 0.1;
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    CoordinatorSetup setup = SetupOfEverything();
    setup.job.round.quorum = 2;
    setup.options.rounds = 200;
    setup.options.deadline_ms = 5'000;
    Federation federation(World(seed, faults), std::make_shared<ModelVolume>(seed), setup);
    World& world = federation.world();
    federation.Begin();
    const auto head = [&] { return federation.observer().announced; };
    world.RunUntil([&] { return false; }, 60'000 * kMillisecond);
    std::vector<RosterIndex> core = federation.AbleToServe();
    if (core.size() > 2) core.resize(2);
    ASSERT_EQ(core.size(), 2U) << "seed " << seed;
    federation.SpareCore(core);
    const Version before = head();
    world.RunUntil([&] { return head() >= before + 5; }, world.now() + 120'000 * kMillisecond);
    EXPECT_GE(head(), before + 5) << "seed " << seed
                                  << " stands still: " << federation.Finish().waiting;
    for (const std::string& violation : world.violations()) ADD_FAILURE() << seed << violation;
  }
}

}  // namespace
}  // namespace muster::simulator
