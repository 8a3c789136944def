// What `muster simulate` prints of a swarm that did not come to its last seed.
#include "cli/simulate_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

simulator::SwarmPlan PlanOfSeeds(std::uint64_t first, std::uint64_t last) {
  simulator::SwarmPlan plan;
  plan.first = first;
  plan.last = last;
  plan.jobs = 3;
  return plan;
}

TEST(ShellWord, IsQuotedWhereAShellWouldTakeItApart) {
  EXPECT_EQ(ShellWord("runs/storm-2.toml"), "runs/storm-2.toml");
  EXPECT_EQ(ShellWord("two words"), "'two words'");
  EXPECT_EQ(ShellWord("$HOME;it's"), "'$HOME;it'\\''s'");
  EXPECT_EQ(ShellWord(""), "''");
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
}

}  // namespace
}  // namespace muster::cli
