// What `muster simulate` prints: of checkers, of a swarm that was interrupted, and the story.
#include "cli/simulate_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "simulator/federation/stranger.h"
#include "simulator/federation/twin.h"

namespace muster::cli {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

simulator::SwarmPlan PlanOfSeeds(std::uint64_t first, std::uint64_t last) {
  simulator::SwarmPlan plan;
  plan.first = first;
  plan.last = last;
  plan.jobs = 3;
  return plan;
}

TEST(SwarmText, ASwarmThatRanWholeHasNothingToGoOnWith) {
  const std::string text = SwarmText(PlanOfSeeds(1, 40), {}, "");
  EXPECT_THAT(text, Not(HasSubstr("go on")));
  EXPECT_THAT(text, Not(HasSubstr("so far")));
}

TEST(SwarmText, AnInterruptedOneNamesTheSeedsThatAreLeft) {
  simulator::SwarmReport report;
  report.totals.seeds = 1'230;
  report.next = 1'241;
  const std::string text = SwarmText(PlanOfSeeds(11, 2'010), report, " --store rocksdb");
  EXPECT_THAT(text, HasSubstr("stopped  interrupted after 1,230 of 2,000 seeds\n"
                              "  go on: muster simulate --seeds 1241..2010 --store rocksdb --jobs "
                              "3\n"));
  EXPECT_THAT(text, HasSubstr("clean so far\n"));
}

TEST(SwarmText, CommandsFixWhatTheSwarmFixed) {
  simulator::SwarmReport report;
  report.failures.push_back({7, simulator::Ending::liveness, "it waits"});
  EXPECT_THAT(SwarmText(PlanOfSeeds(1, 40), report, " --config storm.toml"),
              HasSubstr("again: muster simulate --seed 7 --config storm.toml --story\n"));
  const auto json =
      nlohmann::json::parse(SwarmJson(PlanOfSeeds(1, 40), report, " --store rocksdb"));
  EXPECT_EQ(json["failures"][0]["again"], "muster simulate --seed 7 --store rocksdb --story");
}

TEST(SeedText, SaysHowManyFaultsAreListed) {
  simulator::SeedRun run;
  simulator::SeedOutcome outcome;
  outcome.faults = {{simulator::FaultKind::lose, 1, 0, 0}, {simulator::FaultKind::lose, 2, 0, 0}};
  EXPECT_THAT(SeedText(run, outcome), HasSubstr("\nfaults   2 lose\n"));
  EXPECT_FALSE(nlohmann::json::parse(SeedJson(run, outcome)).contains("listed"));
  run.faults = outcome.faults;
  run.faults->push_back({simulator::FaultKind::crash, 0, 70'000, 0});
  EXPECT_THAT(SeedText(run, outcome), HasSubstr("\nfaults   2 lose; of 3 listed\n"));
  EXPECT_EQ(nlohmann::json::parse(SeedJson(run, outcome))["listed"], 3);
}

TEST(SeedText, ACrashCountsNoCommits) {
  simulator::SeedOutcome outcome;
  outcome.ending = simulator::Ending::crash;
  outcome.events = 1'234;
  outcome.what = "signal 11";
  EXPECT_THAT(SeedText({}, outcome), HasSubstr("ran      1234 events, "));
  EXPECT_FALSE(nlohmann::json::parse(SeedJson({}, outcome)).contains("commits"));
}

TEST(SwarmText, TellsHowOftenEachCheckerLooked) {
  simulator::SwarmReport report;
  report.looks = {{"P1 durable", 1'234}, {"P4 order-free", 0}};
  const std::string few = SwarmText(PlanOfSeeds(1, 40), report, "");
  EXPECT_THAT(few, ContainsRegex("P1 durable +1,234\n"));
  EXPECT_THAT(few, ContainsRegex("P4 order-free +0\n"));
  EXPECT_THAT(few, Not(HasSubstr("never looked"))) << "a few seeds need not ask everything";
  report.totals.seeds = simulator::kSeedsForCoverage;
  EXPECT_THAT(SwarmText(PlanOfSeeds(1, 10'000), report, ""),
              HasSubstr("IDLE   P4 order-free never looked\n"));
  EXPECT_THAT(SwarmJson(PlanOfSeeds(1, 40), report, ""),
              HasSubstr(R"("looks":{"P1 durable":1234,"P4 order-free":0})"));
}

TEST(StoryText, CallsTwinsAndStrangersWhatTheyAre) {
  const std::vector<simulator::StoryLine> story = {{0, simulator::kCoordinator, "starts"},
                                                   {0, simulator::ActorOf(3), "starts"},
                                                   {0, simulator::kTwin, "starts"},
                                                   {0, simulator::StrangerActor(0), "knocks"},
                                                   {0, simulator::StrangerActor(7), "knocks"}};
  std::string text;
  for (const simulator::StoryLine& line : story) text += StoryText(line);
  for (const char* line : {"coordinator  starts", "site-3       starts", "twin         starts",
                           "stranger-0   knocks", "stranger-7   knocks"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace muster::cli
