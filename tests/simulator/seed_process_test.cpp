// Seeds in a child process: whatever they do to it is an outcome, with what had happened until
// then.
#include "simulator/swarm/seed_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "simulator/swarm/seed_runner.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kShortStep{100};

/// A run of ten events, at each of which a fault happens, with `at_last` in the last.
SeedOutcome TenEvents(const SeedProcess::Listener& tell, const std::function<void()>& at_last) {
  World world(7, Faults{{{FaultKind::lose, 1.0}}, 0, {}, {}, 0, 0});
  const RunningSeed running(world);
  world.TellStory(tell);
  for (int i = 1; i <= 10; ++i) {
    world.At(i * kMillisecond, kCoordinator, [&, i] {
      world.Ask(FaultKind::lose, 3);
      if (i == 10) at_last();
    });
  }
  world.RunUntil([] { return false; }, 20 * kMillisecond);
  SeedOutcome outcome;
  outcome.events = world.happened().events;
  return outcome;
}

SeedOutcome Answer(SeedProcess& process, std::uint64_t seed) {
  process.Ask(seed);
  std::optional<SeedOutcome> outcome;
  while (!outcome) outcome = process.Read();
  return *outcome;
}

/// What is left of TenEvents when its last event ends the process.
SeedOutcome Ended(const std::function<void()>& at_last,
                  std::chrono::milliseconds step_cpu = kStepCpuMost) {
  SeedProcess process([&](std::uint64_t /*seed*/,
                          const SeedProcess::Listener& tell) { return TenEvents(tell, at_last); },
                      {}, step_cpu);
  return Answer(process, 1);
}

void ExpectTenEvents(const SeedOutcome& outcome) {
  EXPECT_EQ(outcome.ending, Ending::crash) << outcome.what;
  EXPECT_EQ(outcome.events, 10U);
  EXPECT_EQ(outcome.simulated, 10 * kMillisecond);
  ASSERT_EQ(outcome.faults.size(), 10U);
  EXPECT_EQ(outcome.faults.back().kind, FaultKind::lose);
  EXPECT_EQ(outcome.faults.back().actor, 3U);
  EXPECT_EQ(outcome.faults.back().ordinal, 9U);
}

/// Without end, for all that the compiler knows.
__attribute__((noinline)) std::uint64_t Deeper(volatile std::uint64_t* above) {
  volatile std::uint64_t here[64] = {*above + 1};
  return here[0] == 0 ? 0 : Deeper(here) + here[0];
}

void SpinFor(std::chrono::milliseconds cpu) {
  const auto used = [] {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  };
  for (const auto end = used() + cpu; used() < end;) {
  }
}

TEST(SeedProcess, TellsTheWholeOutcome) {
  const TempDir directory;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto options = DrawOptions(seed, {});
    ASSERT_TRUE(options.has_value());
    const SeedRun run{*options, std::nullopt, directory.path(), true};
    const SeedOutcome here = RunSeed(run);
    EXPECT_FALSE(here.story.empty());
    EXPECT_TRUE(RunSeedInChild(run) == here) << "seed " << seed;
  }
}

TEST(SeedProcess, ItsStorySaysWhoBeginsWhat) {
  const TempDir directory;
  const auto options = DrawOptions(7, {{"blocks", 0}, {"mode", 0}});
  ASSERT_TRUE(options.has_value());
  const SeedOutcome outcome = RunSeedInChild({*options, std::nullopt, directory.path(), true});
  const auto told = [&](Actor actor, std::string_view begin) {
    return std::ranges::any_of(outcome.story, [&](const StoryLine& line) {
      return line.actor == actor && line.text.starts_with(begin);
    });
  };
  EXPECT_TRUE(told(kCoordinator, "round 1 enters report"));
  EXPECT_TRUE(told(ActorOf(2), "begins to train l1.r1.s2.t0 on version 0"));
}

TEST(SeedProcess, ABrokenCheckIsTold) {
  const SeedOutcome outcome = Ended([] { MUSTER_CHECK(false, "what was planted holds"); });
  ExpectTenEvents(outcome);
  EXPECT_THAT(outcome.what, AllOf(HasSubstr("signal 6 (Aborted): "), HasSubstr("was planted")));
}

TEST(SeedProcess, AStackThatOverflowsIsTold) {
  std::uint64_t top = 0;
  const SeedOutcome outcome = Ended([&] { Deeper(&top); });
  ExpectTenEvents(outcome);
  EXPECT_THAT(outcome.what, HasSubstr("signal 11 (Segmentation fault)"));
}

TEST(SeedProcess, AStepWithoutEndIsEnded) {
  const SeedOutcome outcome = Ended(
      [] {
        for (volatile bool goes = true; goes;) {
        }
      },
      kShortStep);
  ExpectTenEvents(outcome);
  EXPECT_EQ(outcome.what, "endless loop: one step took more than 100 ms of CPU time");
}

TEST(SeedProcess, ARunOfManyStepsMayTakeLong) {
  SeedProcess process(
      [](std::uint64_t /*seed*/, const SeedProcess::Listener& /*tell*/) {
        SeedOutcome outcome;
        for (int run = 0; run < 60; ++run) {
          outcome = TenEvents({}, [] { SpinFor(kShortStep / 10); });
        }
        return outcome;
      },
      {}, kShortStep);
  const SeedOutcome outcome = Answer(process, 1);
  EXPECT_EQ(outcome.ending, Ending::clean) << outcome.what;
}

TEST(SeedProcess, ThoseThatSayNothingAreToldByHowTheyEnded) {
  EXPECT_THAT(Ended([] { ::raise(SIGKILL); }).what, HasSubstr("signal 9 (Killed)"));
  EXPECT_EQ(Ended([] { ::_exit(7); }).what, "the process exited with 7");
}

TEST(SeedProcess, TheStoryIsToldUntilTheEnd) {
  std::vector<std::string> told;
  SeedProcess process(
      [](std::uint64_t /*seed*/, const SeedProcess::Listener& tell) {
        return TenEvents(tell, [] { ::raise(SIGKILL); });
      },
      [&](const StoryLine& line) { told.push_back(line.text); });
  EXPECT_EQ(Answer(process, 1).ending, Ending::crash);
  EXPECT_EQ(told, std::vector<std::string>(10, "FAULT lose"));
}

TEST(SeedProcess, TheNextSeedRunsInAnother) {
  SeedProcess process([](std::uint64_t seed, const SeedProcess::Listener& tell) {
    return TenEvents(tell, [&] {
      if (seed == 2) ::raise(SIGKILL);
    });
  });
  EXPECT_EQ(Answer(process, 1).ending, Ending::clean);
  EXPECT_EQ(Answer(process, 2).ending, Ending::crash);
  EXPECT_EQ(Answer(process, 3).ending, Ending::clean);
  EXPECT_EQ(Answer(process, 4).ending, Ending::clean);
}

TEST(Swarm, GoesOnBehindSeedsThatCrash) {
  const TempDir directory;
  SwarmPlan plan;
  plan.last = 12;
  plan.jobs = 2;
  plan.directory = directory.path();
  plan.play = [](const SeedRun& run) {
    if (run.options.seed == 3) MUSTER_CHECK(false, "seed 3 is sound");
    if (run.options.seed == 11) ::raise(SIGKILL);
    return SeedOutcome();
  };
  const auto report = RunSwarm(plan, {});
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->totals.seeds, 12U);
  EXPECT_EQ(report->Worst(), Ending::crash);
  ASSERT_EQ(report->failures.size(), 2U);
  EXPECT_EQ(report->failures[0].seed, 3U);
  EXPECT_THAT(report->failures[0].what, HasSubstr("seed 3 is sound"));
  EXPECT_EQ(report->failures[1].seed, 11U);
  EXPECT_EQ(report->next, std::nullopt);
}

}  // namespace
}  // namespace muster::simulator
