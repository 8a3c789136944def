// The swarm: options drawn by a seed, whole runs with their verdict, and that a seed is one run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "simulator/swarm/seed_runner.h"
#include "simulator/swarm/swarm_keys.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kDrawnSeeds = 4'000;

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

TEST_F(SwarmTest, TellingTheStoryChangesNothing) {
  const SwarmOptions options = Drawn(3);
  const SeedOutcome silent = RunSeed({options, std::nullopt, directory_.path(), false});
  const SeedOutcome told = RunSeed({options, std::nullopt, directory_.path(), true});
  EXPECT_TRUE(silent.story.empty());
  EXPECT_FALSE(told.story.empty());
  EXPECT_EQ(silent.hash, told.hash);
}

// Nobody's updates get through: without this failing, the liveness phase would prove nothing.
TEST_F(SwarmTest, ACoreThatCannotDeliverIsALivenessFailure) {
  FixedOptions fixed = {{"participants", 4},  {"parts", 4},  {"goal", 4},         {"quorum", 4},
                        {"over_select", 100}, {"target", 0}, {"attempts_max", 0}, {"stalled", 0}};
  SwarmOptions options = Drawn(1, fixed);
  options.per_million = {};
  options.per_million.at(static_cast<std::size_t>(FaultKind::lose)) = kMillion;
  options.safety_ms = 10'000;
  const SeedOutcome outcome = RunSeed({options, std::nullopt, directory_.path(), false});
  EXPECT_EQ(outcome.ending, Ending::clean) << "the core is spared from losses: " << outcome.what;
  EXPECT_EQ(outcome.core.size(), 4U);
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
  SwarmReport report;
  report.empty = empty;
  EXPECT_EQ(report.Worst(), Ending::clean) << "a few seeds cannot meet everything";
  report.totals.seeds = kSeedsForCoverage;
  EXPECT_EQ(report.Worst(), Ending::uncovered);
  report.failures.push_back({7, Ending::liveness, "it waits"});
  EXPECT_EQ(report.Worst(), Ending::liveness);
}

}  // namespace
}  // namespace muster::simulator
