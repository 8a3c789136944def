// Schedules as files, and how a failing run is made small.
#include "simulator/swarm/shrink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/random.h"

namespace muster::simulator {
namespace {

using ::testing::HasSubstr;

std::vector<Fault> SomeFaults(std::uint64_t count) {
  std::vector<Fault> faults;
  for (std::uint64_t i = 0; i < count; ++i) {
    faults.push_back(
        {static_cast<FaultKind>(i % kFaultKinds), static_cast<Actor>(i % 7), i, i * i});
  }
  return faults;
}

ScheduleFile SomeSchedule() {
  ScheduleFile schedule;
  schedule.options.seed = 77;
  schedule.options.participants = 9;
  schedule.options.parts = 8;
  schedule.options.goal = 5;
  schedule.options.quorum = 2;
  schedule.options.select_from = 1;
  schedule.options.store = 1;
  schedule.options.per_million[1] = 123;
  schedule.faults = SomeFaults(40);
  return schedule;
}

std::string WhyRefused(const std::string& text) {
  const auto parsed = ParseSchedule(text, "file");
  return parsed ? "" : parsed.error().Text();
}

TEST(MinimizeFaults, FindsExactlyThoseThatArePlanted) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    KeyedStream stream(seed, "shrink_test", {});
    const std::vector<Fault> all = SomeFaults(1 + stream.Below(300));
    std::vector<Fault> planted;
    for (std::uint64_t i = 0; i <= stream.Below(5); ++i) {
      planted.push_back(all[stream.Below(all.size())]);
    }
    std::uint64_t calls = 0;
    const auto fails = [&](const std::vector<Fault>& part) {
      ++calls;
      return std::ranges::all_of(planted,
                                 [&](const Fault& f) { return std::ranges::count(part, f) > 0; });
    };
    std::vector<Fault> found = MinimizeFaults(all, fails);
    std::ranges::sort(found);
    std::ranges::sort(planted);
    planted.erase(std::unique(planted.begin(), planted.end()), planted.end());
    EXPECT_EQ(found, planted) << "seed " << seed;
    EXPECT_LT(calls, 3'000U) << "seed " << seed;
  }
}

// Either of two is enough, but one of them: what is found is minimal, though not the only answer.
TEST(MinimizeFaults, LeavesNothingOutThatIsNeeded) {
  const std::vector<Fault> all = SomeFaults(64);
  const auto fails = [&](const std::vector<Fault>& part) {
    const auto has = [&](std::size_t i) { return std::ranges::count(part, all[i]) > 0; };
    return (has(3) && has(40)) || (has(10) && has(11) && has(12));
  };
  const std::vector<Fault> found = MinimizeFaults(all, fails);
  ASSERT_TRUE(fails(found));
  for (std::size_t i = 0; i < found.size(); ++i) {
    std::vector<Fault> without = found;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(fails(without));
  }
}

TEST(MinimizeFaults, TriesNothingOnceItIsStopped) {
  const std::vector<Fault> all = SomeFaults(4'000);
  std::uint64_t calls = 0;
  const auto fails = [&](const std::vector<Fault>& part) {
    ++calls;
    return std::ranges::count(part, all[3]) > 0;
  };
  const std::vector<Fault> found = MinimizeFaults(all, fails, [&] { return calls == 5; });
  EXPECT_EQ(calls, 5U);
  EXPECT_TRUE(fails(found));
  EXPECT_LT(found.size(), all.size());
  EXPECT_GT(found.size(), 1U);
}

TEST(ScheduleFileText, ComesBackAsItWas) {
  const ScheduleFile schedule = SomeSchedule();
  const std::string text = WriteSchedule(schedule, "what it shows\nand who found it");
  const auto parsed = ParseSchedule(text, "file");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().Text();
  EXPECT_EQ(parsed->options, schedule.options);
  EXPECT_EQ(parsed->faults, schedule.faults);
  EXPECT_THAT(text, HasSubstr("# and who found it\n"));
}

TEST(ScheduleFileText, BlanksAtTheEndOfLinesAreNothing) {
  const auto parsed =
      ParseSchedule("muster schedule 1 \r\n\r\noption goal 3\t\r\nfault lose 1 2 3 \r\n", "file");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().Text();
  EXPECT_EQ(parsed->options.goal, 3U);
  EXPECT_EQ(parsed->faults, (std::vector<Fault>{{FaultKind::lose, 1, 2, 3}}));
}

TEST(ScheduleFileText, ErrorsNameTheLine) {
  const std::string head = "muster schedule 1\n# a comment\n";
  EXPECT_EQ(WhyRefused(head), "");
  EXPECT_THAT(WhyRefused(""), HasSubstr("file:0: ends without"));
  EXPECT_THAT(WhyRefused("option goal 3\n"), HasSubstr("file:1: is not `muster schedule 1`"));
  EXPECT_THAT(WhyRefused("muster schedule 2\n"), HasSubstr("file:1: schedule version 2"));
  EXPECT_THAT(WhyRefused(head + "option gaol 3\n"), HasSubstr("file:3: there is no option gaol"));
  EXPECT_THAT(WhyRefused(head + "option goal x\n"), HasSubstr("file:3: goal = x"));
  EXPECT_THAT(WhyRefused(head + "option goal 3\noption goal 3\n"),
              HasSubstr("file:4: option goal comes twice"));
  EXPECT_THAT(WhyRefused(head + "option goal 5\n"), HasSubstr("round.goal"));
  EXPECT_THAT(WhyRefused(head + "fault lsoe 1 2 3\n"), HasSubstr("file:3: there is no fault lsoe"));
  EXPECT_THAT(WhyRefused(head + "fault lose 1 2\n"), HasSubstr("file:3: write `fault KIND"));
  EXPECT_THAT(WhyRefused(head + "fault lose 128 2 3\n"), HasSubstr("file:3: actor 128"));
  EXPECT_THAT(WhyRefused(head + "fault lose 1 -2 3\n"), HasSubstr("file:3: ordinal and value"));
  EXPECT_THAT(WhyRefused(head + "fault lose 1 2 3\nfault lose 1 2 4\n"),
              HasSubstr("file:4: comes twice"));
  EXPECT_THAT(WhyRefused(head + "\nnonsense\n"), HasSubstr("file:4: neither `option"));
}

/// Breaks a promise if both planted faults happen and five take part in at least four rounds.
SeedOutcome PlayPlanted(const SeedRun& run, const Fault& one, const Fault& other) {
  SeedOutcome outcome;
  outcome.faults = *run.faults;
  const auto has = [&](const Fault& fault) { return std::ranges::count(*run.faults, fault) > 0; };
  if (run.options.participants < 5 || run.options.rounds < 4) return outcome;
  if (has(one) && has(other)) {
    outcome.ending = Ending::correctness;
    outcome.what = "P3: site-3 trains 1/2/3 again";
  } else if (has(one)) {
    outcome.ending = Ending::correctness;
    outcome.what = "P1: version 4 is lost";
  }
  return outcome;
}

TEST(Shrink, FindsTheSmallestRunThatFailsAlike) {
  ScheduleFile schedule = SomeSchedule();
  schedule.options.rounds = 14;
  schedule.options.participants = schedule.options.parts = 40;
  const Fault one = schedule.faults[17];
  const Fault other = schedule.faults[30];
  const auto play = [&](const SeedRun& run) { return PlayPlanted(run, one, other); };
  const SeedRun run{schedule.options, schedule.faults, "", false};
  std::uint64_t told = 0;
  const Shrunk shrunk =
      Shrink(run, play(run), play, [&](const ShrinkProgress& progress) { told = progress.runs; });
  EXPECT_EQ(shrunk.schedule.faults, (std::vector<Fault>{one, other}));
  EXPECT_EQ(shrunk.schedule.options.participants, 5U);
  EXPECT_EQ(shrunk.schedule.options.rounds, 4U);
  EXPECT_EQ(shrunk.schedule.options.per_million[1], 0U);
  EXPECT_EQ(FailureName(shrunk.outcome), "correctness P3");
  EXPECT_EQ(told, shrunk.runs);
  EXPECT_LT(shrunk.runs, 300U);
}

TEST(Shrink, StoppedBeforeAnyRunItAnswersWithTheSmallestSoFar) {
  ScheduleFile schedule = SomeSchedule();
  schedule.options.rounds = 14;
  schedule.options.participants = schedule.options.parts = 40;
  const Fault one = schedule.faults[17];
  const Fault other = schedule.faults[30];
  std::uint64_t runs = 0;
  const auto play = [&](const SeedRun& run) {
    ++runs;
    return PlayPlanted(run, one, other);
  };
  const SeedRun run{schedule.options, schedule.faults, "", false};
  const SeedOutcome failed = play(run);
  const Shrunk whole = Shrink(run, failed, play, {});
  EXPECT_FALSE(whole.stopped);
  for (std::uint64_t after = 0; after < whole.runs; ++after) {
    runs = 0;
    const Shrunk shrunk = Shrink(run, failed, play, {}, [&] { return runs == after; });
    EXPECT_TRUE(shrunk.stopped) << "after " << after;
    EXPECT_EQ(shrunk.runs, after);
    EXPECT_EQ(runs, after);
    EXPECT_LE(shrunk.schedule.faults.size(), schedule.faults.size());
    const SeedOutcome again = play({shrunk.schedule.options, shrunk.schedule.faults, "", false});
    EXPECT_EQ(FailureName(again), FailureName(failed)) << "after " << after;
  }
}

// Where nothing can be left out, delta debugging asks for runs without end, as far as one can wait.
TEST(Shrink, EndsAfterSoManyRuns) {
  ScheduleFile schedule = SomeSchedule();
  schedule.faults = SomeFaults(6'000);
  SeedOutcome failed;
  failed.ending = Ending::correctness;
  failed.what = "P1: version 4 is lost";
  failed.faults = schedule.faults;
  const auto play = [&](const SeedRun& run) {
    return *run.faults == schedule.faults ? failed : SeedOutcome();
  };
  const Shrunk shrunk = Shrink({schedule.options, schedule.faults, "", false}, failed, play, {});
  EXPECT_TRUE(shrunk.stopped);
  EXPECT_EQ(shrunk.runs, kShrinkRunsMost);
  EXPECT_EQ(shrunk.schedule.faults, schedule.faults);
}

TEST(FailureName, IsTheCheckersOrTheSentenceWithoutNumbers) {
  SeedOutcome outcome;
  outcome.ending = Ending::correctness;
  outcome.what = "P2 exactly once: round 7";
  const std::string name = FailureName(outcome);
  outcome.what = "P2 exactly once: round 9, site-3";
  EXPECT_EQ(FailureName(outcome), name);
  outcome.what = "version 12 was announced; after a restart head is 11";
  const std::string lost = FailureName(outcome);
  EXPECT_NE(lost, name);
  outcome.what = "version 3 was announced; after a restart head is 2";
  EXPECT_EQ(FailureName(outcome), lost);
}

}  // namespace
}  // namespace muster::simulator
