// Runs of real processes in which updates of older bases count, under random SIGKILLs: which
// updates count is a fact of the day, and whatever was recorded replays, each update trained again
// on the version it was trained on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/random.h"
#include "tests/cli/append_to.h"
#include "tests/process/events.h"
#include "tests/process/killer.h"
#include "tests/support/temp_dir.h"

namespace muster::process {
namespace {

constexpr std::uint64_t kVersions = 200;
constexpr std::size_t kKills = 14;
constexpr std::size_t kParticipants = 4;

constexpr std::string_view kJob = R"(
[job]
name = "stale"
rounds = 200
[model]
kind = "mlp"
hidden = [100]
[data]
source = "digits"
parts = 4
train_examples = 1600
test_examples = 100
[train]
batch_size = 10
[strategy]
server_learning_rate = 0.5
server_momentum = 0.3
[round]
staleness = "polynomial"
staleness_max = 4
)";

/// The last event and all versions' ones.
struct StaleRun {
  Json finished;
  std::vector<Json> events;
};

void KillInto(StaleRun& ran, std::string_view round, std::string_view stream) {
  TempDir directory;
  const std::string config = directory / "stale.toml";
  cli::AppendTo(config, std::string(kJob) + std::string(round));
  KeyedStream random(KillSeed(), std::string(stream), {});
  const std::string state = directory / "state";
  std::filesystem::create_directories(state);
  cli::Program run(RunArguments(config, state));
  Killer killer(run, state);
  ASSERT_NO_FATAL_FAILURE(killer.KillAtRandom(random, kKills, kParticipants));
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  killer.Print();
  ran = {run.events().back(), ReadEvents(state)};
  EXPECT_EQ(ran.finished["event"], "finished");
  EXPECT_EQ(ran.finished["reproducible"], false);
  EXPECT_EQ(VersionsOf(ran.events), EachVersionOnce(kVersions));
  ExpectReplays(state);
}

TEST(AsyncProcesses, KillsOfEverybodyLoseNothingAndTheRecordsReplay) {
  StaleRun ran;
  KillInto(ran, R"(
mode = "async"
select_from = "present"
goal = 3
quorum = 2
)",
           "async kills");
  EXPECT_THAT(ran.finished.dump(), ::testing::HasSubstr("mode_async"));
}

// Twice as many are asked as a round waits for, so the slower half is late again and again.
TEST(LateUpdates, KillsOfEverybodyLoseNothingAndTheRecordsReplay) {
  StaleRun ran;
  KillInto(ran, R"(
late = "fold"
goal = 2
quorum = 1
over_select = 2.0
)",
           "late kills");
  EXPECT_THAT(ran.finished.dump(), ::testing::HasSubstr("late_folded"));
  std::uint64_t late = 0;
  for (const Json& event : ran.events) {
    if (event["event"] == "version") late += event["late"].get<std::uint64_t>();
  }
  EXPECT_GT(late, 0U);
}

}  // namespace
}  // namespace muster::process
