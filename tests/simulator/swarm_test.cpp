// The swarm: options drawn by a seed, whole runs with their verdict, and that a seed is one run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "simulator/federation/federation.h"
#include "simulator/swarm/seed_runner.h"
#include "simulator/swarm/swarm_keys.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kDrawnSeeds = 4'000;
constexpr std::uint64_t kSeedsForMedians = 40;

SwarmOptions Drawn(std::uint64_t seed, const FixedOptions& fixed = {}) {
  const auto options = DrawOptions(seed, fixed);
  EXPECT_TRUE(options.has_value()) << "seed " << seed << ": " << options.error().Text();
  return options.value_or(SwarmOptions());
}

std::uint64_t Median(std::vector<std::uint64_t> numbers) {
  std::ranges::sort(numbers);
  return numbers[numbers.size() / 2];
}

TEST(SwarmOptions, EverySeedDrawsAJobThatCanRun) {
  std::vector<std::uint64_t> participants;
  std::map<std::string, std::uint64_t> on;
  for (std::uint64_t seed = 1; seed <= kDrawnSeeds; ++seed) {
    const SwarmOptions options = Drawn(seed);
    participants.push_back(options.participants);
    for (const SwarmKey& key : SwarmKeys()) on[key.name] += key.Of(options) != 0;
  }
  EXPECT_EQ(*std::ranges::min_element(participants), kParticipantsLeast);
  EXPECT_EQ(*std::ranges::max_element(participants), kParticipantsMost);
  EXPECT_GE(Median(participants), 6U);
  EXPECT_LE(Median(participants), 10U);
  for (const SwarmKey& key : SwarmKeys()) {
    if (key.name == "store") continue;
    EXPECT_GT(on[key.name], 0U) << key.name << " is never drawn";
    if (key.member != nullptr) continue;
    EXPECT_GT(on[key.name], kDrawnSeeds * 4 / 10) << key.name;
    EXPECT_LT(on[key.name], kDrawnSeeds * 6 / 10) << key.name;
  }
}

TEST(SwarmOptions, WhatIsFixedIsNotDrawnAndMovesNothingElse) {
  const SwarmOptions free = Drawn(5);
  const SwarmOptions fixed = Drawn(5, {{"chance.lose", 7}, {"store", 1}});
  EXPECT_EQ(fixed.per_million.at(static_cast<std::size_t>(FaultKind::lose)), 7U);
  EXPECT_EQ(fixed.store, 1U);
  SwarmOptions same = fixed;
  same.store = free.store;
  same.per_million = free.per_million;
  EXPECT_EQ(same, free);
  const auto impossible = DrawOptions(5, {{"participants", 3}, {"quorum", 9}});
  ASSERT_FALSE(impossible.has_value());
  EXPECT_THAT(impossible.error().Text(), HasSubstr("quorum"));
}

TEST(SwarmKeys, TextComesBackAsTheValue) {
  for (const SwarmKey& key : SwarmKeys()) {
    for (const std::uint64_t value : {key.least, key.most}) {
      const auto parsed = ParseSwarmValue(key, SwarmValueText(key, value));
      ASSERT_TRUE(parsed.has_value()) << key.name;
      EXPECT_EQ(*parsed, value);
    }
    EXPECT_FALSE(ParseSwarmValue(key, "many").has_value()) << key.name;
    EXPECT_EQ(FindSwarmKey(key.name), &key);
  }
  EXPECT_EQ(FindSwarmKey("gaol"), nullptr);
}

const FixedOptions kFourOfFour = {{"participants", 4},   {"parts", 4},         {"goal", 4},
                                  {"quorum", 4},         {"over_select", 100}, {"target", 0},
                                  {"stalled", 0},        {"attempts_max", 0},  {"hostile", 0},
                                  {"safety_ms", 10'000}, {"rounds", 6},        {"safety_rounds", 3},
                                  {"mode", 0},           {"blocks", 0}};

class SwarmTest : public ::testing::Test {
 protected:
  /// Every seed twice, and all clean.
  void ExpectClean(std::uint64_t first, std::uint64_t last, Tier tier) {
    SwarmPlan plan;
    plan.first = first;
    plan.last = last;
    plan.fixed = {{"store", static_cast<std::uint64_t>(tier)}};
    plan.jobs = 2;
    plan.twice_every = 1;
    plan.directory = directory_.path();
    const auto report = RunSwarm(plan, {});
    ASSERT_TRUE(report.has_value()) << report.error().Text();
    for (const FailedSeed& failure : report->failures) {
      ADD_FAILURE() << "seed " << failure.seed << ": " << EndingName(failure.ending) << ": "
                    << failure.what;
    }
    EXPECT_EQ(report->totals.seeds, last - first + 1);
    EXPECT_EQ(report->totals.twice, report->totals.seeds);
    if (report->totals.seeds < kSeedsForMedians) return;
    EXPECT_GE(report->totals.median_commits, 10U);
    EXPECT_GE(report->totals.median_faults, 10U);
    EXPECT_GE(report->totals.median_events, 2'000U);
  }

  const TempDir directory_;
};

TEST_F(SwarmTest, SeedsOnTheModelAreCleanAndRepeat) { ExpectClean(1, 40, Tier::model); }

TEST_F(SwarmTest, SeedsOnTheRealStoreAreCleanAndRepeat) { ExpectClean(1, 5, Tier::rocksdb); }

TEST_F(SwarmTest, TheListOfWhatHappenedIsTheSameRun) {
  for (std::uint64_t seed = 100; seed < 110; ++seed) {
    const SwarmOptions options = Drawn(seed);
    const SeedOutcome drawn = RunSeed({options, std::nullopt, directory_.path(), false});
    const SeedOutcome listed = RunSeed({options, drawn.faults, directory_.path(), false});
    EXPECT_EQ(listed.hash, drawn.hash) << "seed " << seed;
    EXPECT_EQ(listed.faults, drawn.faults) << "seed " << seed;
  }
}

TEST_F(SwarmTest, AStoppedSwarmGoesOnFromTheSeedItNames) {
  SwarmPlan plan;
  plan.first = 11;
  plan.last = 30;
  plan.jobs = 2;
  plan.directory = directory_.path();
  const auto whole = RunSwarm(plan, {});
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(whole->next, std::nullopt);

  std::atomic<int> asked = 0;
  plan.stopped = [&] { return ++asked > 8; };
  const auto begun = RunSwarm(plan, {});
  ASSERT_TRUE(begun.has_value());
  ASSERT_EQ(begun->next, std::optional<std::uint64_t>(plan.first + 8));
  EXPECT_EQ(begun->totals.seeds, 8U);
  EXPECT_FALSE(begun->stopped_early);

  plan.stopped = {};
  plan.first = *begun->next;
  const auto rest = RunSwarm(plan, {});
  ASSERT_TRUE(rest.has_value());
  EXPECT_EQ(rest->next, std::nullopt);
  EXPECT_EQ(begun->totals.hash + rest->totals.hash, whole->totals.hash);
}

TEST_F(SwarmTest, EveryCheckerLooks) {
  SwarmPlan plan;
  plan.last = 20;
  plan.directory = directory_.path();
  const auto report = RunSwarm(plan, {});
  ASSERT_TRUE(report.has_value());
  EXPECT_GE(report->looks.size(), 10U);
  EXPECT_THAT(report->Idle(), IsEmpty());
}

TEST_F(SwarmTest, AStrangerIsToldOfOnceForEachReason) {
  auto options = DrawOptions(5, {{"strangers", 1},
                                 {"chance.stranger", 500'000},
                                 {"chance.corrupt", 0},
                                 {"chance.revoke", 0},
                                 {"chance.new_key", 0},
                                 {"chance.twin", 0}});
  ASSERT_TRUE(options.has_value());
  const SeedOutcome told = RunSeed({*options, std::nullopt, directory_.path(), true});
  std::map<std::string, int> times;
  for (const StoryLine& line : told.story) {
    const std::string begin = "refuses a stranger (";
    if (!line.text.starts_with(begin)) continue;
    ++times[line.text.substr(begin.size(), line.text.find_first_of(":)") - begin.size())];
  }
  EXPECT_FALSE(times.empty());
  for (const auto& [reason, count] : times) EXPECT_EQ(count, 1) << reason;
}

// Of all seeds there are, no answer would come.
TEST_F(SwarmTest, WhatFitsNoSeedEndsTheSwarm) {
  SwarmPlan plan;
  plan.last = ~std::uint64_t{0};
  plan.fixed = {{"participants", 3}, {"quorum", 9}};
  plan.directory = directory_.path();
  const auto report = RunSwarm(plan, {});
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().reason, Reason::config_invalid);
  EXPECT_THAT(report.error().message, HasSubstr("seed 1: "));
}

TEST_F(SwarmTest, TellingTheStoryChangesNothing) {
  const SwarmOptions options = Drawn(3);
  const SeedOutcome silent = RunSeed({options, std::nullopt, directory_.path(), false});
  const SeedOutcome told = RunSeed({options, std::nullopt, directory_.path(), true});
  EXPECT_TRUE(silent.story.empty());
  EXPECT_FALSE(told.story.empty());
  EXPECT_EQ(silent.hash, told.hash);
}

// Every message is lost, in the safety phase; then the core's are not.
TEST_F(SwarmTest, TheCoreIsSparedAndFinishes) {
  SwarmOptions options = Drawn(1, kFourOfFour);
  options.per_million = {};
  options.per_million.at(static_cast<std::size_t>(FaultKind::lose)) = kMillion;
  const SeedOutcome outcome = RunSeed({options, std::nullopt, directory_.path(), false});
  EXPECT_EQ(outcome.ending, Ending::clean) << outcome.what;
  EXPECT_EQ(outcome.core.size(), 4U);
  EXPECT_EQ(outcome.commits, options.rounds);
}

// Otherwise a listed run would fail where the same run, drawn, could not.
TEST_F(SwarmTest, AListSparesTheCoreToo) {
  const SwarmOptions options = Drawn(1, kFourOfFour);
  std::vector<Fault> all_lost;
  for (std::uint64_t ordinal = 0; ordinal < 20'000; ++ordinal) {
    for (Actor actor = 1; actor <= 4; ++actor) {
      all_lost.push_back({FaultKind::lose, actor, ordinal, 0});
    }
  }
  const SeedOutcome outcome = RunSeed({options, all_lost, directory_.path(), false});
  EXPECT_EQ(outcome.ending, Ending::clean) << outcome.what;
  EXPECT_GT(outcome.faults.size(), 0U);
  EXPECT_LT(outcome.faults.size(), all_lost.size());
}

// What no fault does: without this failing, the liveness phase would prove nothing.
TEST_F(SwarmTest, ACoreThatDoesNotCommitIsALivenessFailure) {
  SeedRun run{Drawn(1, kFourOfFour), std::nullopt, directory_.path(), false};
  run.options.per_million = {};
  run.at_liveness = [](Federation& federation, const std::vector<RosterIndex>& core) {
    federation.participant(core.back()).KeepAway(true);
  };
  const SeedOutcome outcome = RunSeed(run);
  EXPECT_EQ(outcome.ending, Ending::liveness);
  EXPECT_EQ(ExitCodeOf(outcome.ending), 21);
  EXPECT_LT(outcome.commits, run.options.rounds);
  EXPECT_THAT(outcome.what, HasSubstr("at the end of its budget"));
  EXPECT_THAT(outcome.what, HasSubstr("site-3"));
}

// Three minutes in three rounds would be little for a whole job.
TEST_F(SwarmTest, AStallInEveryRoundIsALivenessFailure) {
  SeedRun run{Drawn(1, kFourOfFour), std::nullopt, directory_.path(), false};
  run.options.per_million = {};
  run.options.deadline_ms = 4'000;
  run.options.lease_ms = 1'000;
  const SeedOutcome sound = RunSeed(run);
  EXPECT_EQ(sound.ending, Ending::clean) << sound.what;
  ASSERT_TRUE(sound.budget_used_permille.has_value());
  EXPECT_LT(*sound.budget_used_permille, 300U);

  run.at_liveness = [](Federation& federation, const std::vector<RosterIndex>&) {
    const auto stall = [&federation](const auto& again, Version seen) -> void {
      const Version head = federation.observer().announced;
      if (head > seen) federation.coordinator().process().Pause(60'000 * kMillisecond);
      World& world = federation.world();
      world.At(world.now() + 50 * kMillisecond, kCoordinator,
               [again, head] { again(again, head); });
    };
    stall(stall, 0);
  };
  const SeedOutcome stalled = RunSeed(run);
  EXPECT_EQ(stalled.ending, Ending::liveness);
  EXPECT_GT(stalled.budget_used_permille.value_or(0), 900U);
}

TEST_F(SwarmTest, ARunGoesInCirclesIfItCommitsNothingAndNotIfItIsLong) {
  SeedRun run{Drawn(1, kFourOfFour), std::nullopt, directory_.path(), false};
  run.options.per_million = {};
  const std::uint64_t events = RunSeed(run).events;
  run.events_most = events / 2;
  const SeedOutcome sound = RunSeed(run);
  EXPECT_EQ(sound.ending, Ending::clean) << sound.what;
  EXPECT_EQ(sound.events, events);

  run.at_liveness = [](Federation& federation, const std::vector<RosterIndex>&) {
    World& world = federation.world();
    const auto circle = [&world](const auto& again) -> void {
      world.At(world.now(), kCoordinator, [again] { again(again); });
    };
    circle(circle);
  };
  const SeedOutcome circles = RunSeed(run);
  EXPECT_EQ(circles.ending, Ending::liveness);
  EXPECT_THAT(circles.what, HasSubstr("goes in circles"));
}

/// The faults that nothing was met of, where nothing was met at all.
std::set<FaultKind> AskedFor(const FixedOptions& fixed) {
  std::set<FaultKind> asked;
  for (const EmptyCell& cell : EmptyCells({}, fixed)) asked.insert(cell.fault);
  return asked;
}

TEST(CoverageTable, AsksForNothingThatWhatIsFixedRulesOut) {
  const std::set<FaultKind> all = AskedFor({});
  EXPECT_EQ(all.size(), kFaultKinds);
  const auto missing = [&](const FixedOptions& fixed) {
    std::set<FaultKind> left_out;
    std::ranges::set_difference(all, AskedFor(fixed), std::inserter(left_out, left_out.end()));
    return left_out;
  };
  const std::set<FaultKind> harm = {FaultKind::babble, FaultKind::stale, FaultKind::replay,
                                    FaultKind::poison, FaultKind::usurp, FaultKind::flood};
  EXPECT_EQ(missing({{"hostile", 0}}), harm);
  EXPECT_EQ(missing({{"participants", 2}, {"quorum", 2}, {"goal", 2}, {"parts", 2}}), harm)
      << "who could be hostile is needed for the quorum";
  EXPECT_EQ(missing({{"strangers", 0}}), std::set{FaultKind::stranger});
  EXPECT_EQ(missing({{"store", 1}}), std::set{FaultKind::twin});
  EXPECT_EQ(missing({{"deaths_max", 0}}), (std::set{FaultKind::crash, FaultKind::stop}));
}

// With every chance at 1 most proposals find nothing to befall.
TEST_F(SwarmTest, TheTableCountsWhatTookEffect) {
  SwarmOptions options = Drawn(1, kFourOfFour);
  options.per_million = {};
  options.per_million.at(static_cast<std::size_t>(FaultKind::twin)) = kMillion;
  const SeedOutcome outcome = RunSeed({options, std::nullopt, directory_.path(), false});
  std::uint64_t met = 0;
  for (const auto& [cell, count] : outcome.coverage) met += count;
  EXPECT_GT(met, 0U);
  EXPECT_LT(met, outcome.faults.size()) << "one runs at a time";
  options.store = static_cast<std::uint64_t>(Tier::rocksdb);
  const SeedOutcome real = RunSeed({options, std::nullopt, directory_.path(), false});
  EXPECT_FALSE(real.faults.empty());
  EXPECT_TRUE(real.coverage.empty()) << "the real store's volume cannot be copied";
}

TEST(CoverageTable, ReachableCellsThatStayEmptyAreNamed) {
  Coverage coverage;
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    for (int phase = 0; phase <= static_cast<int>(coordinator::Phase::stopped); ++phase) {
      coverage[{static_cast<FaultKind>(i), static_cast<coordinator::Phase>(phase)}] = 1;
    }
  }
  EXPECT_TRUE(EmptyCells(coverage, {}).empty());
  coverage.erase({FaultKind::lose, coordinator::Phase::commit});
  const auto empty = EmptyCells(coverage, {});
  ASSERT_EQ(empty.size(), 1U);
  EXPECT_EQ(empty.front().fault, FaultKind::lose);
  EXPECT_EQ(empty.front().phase, coordinator::Phase::commit);
  EXPECT_TRUE(EmptyCells(coverage, {{"chance.lose", 0}}).empty());
  EXPECT_EQ(EmptyCells(coverage, {{"chance.cut", 0}}).size(), 1U);
  SwarmReport report;
  report.empty = empty;
  EXPECT_EQ(report.Worst(), Ending::clean) << "a few seeds cannot meet everything";
  report.totals.seeds = kSeedsForCoverage;
  EXPECT_EQ(report.Worst(), Ending::uncovered);
  report.failures.push_back({7, Ending::liveness, "it waits"});
  EXPECT_EQ(report.Worst(), Ending::liveness);
}

TEST(SwarmReport, ACheckerThatNeverLookedCountsAsAnEmptyCell) {
  SwarmReport report;
  report.looks = {{"P1 durable", 7}, {"P4 order-free", 0}};
  EXPECT_THAT(report.Idle(), ElementsAre("P4 order-free"));
  EXPECT_EQ(report.Worst(), Ending::clean) << "a few seeds cannot ask everything";
  report.totals.seeds = kSeedsForCoverage;
  EXPECT_EQ(ExitCodeOf(report.Worst()), 24);
  report.looks["P4 order-free"] = 1;
  EXPECT_EQ(report.Worst(), Ending::clean);
}

}  // namespace
}  // namespace muster::simulator
