// An async run of real processes under random SIGKILLs: which updates count is a fact of the day,
// and whatever was recorded replays, each update trained again on the version it was trained on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/random.h"
#include "tests/cli/append_to.h"
#include "tests/process/events.h"
#include "tests/process/killer.h"
#include "tests/support/temp_dir.h"

namespace muster::process {
namespace {

constexpr std::uint64_t kAsyncVersions = 60;
constexpr std::size_t kAsyncKills = 14;
constexpr std::size_t kAsyncParticipants = 4;

constexpr std::string_view kAsyncJob = R"(
[job]
name = "async"
rounds = 60
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
[round]
mode = "async"
select_from = "present"
goal = 3
quorum = 2
staleness = "polynomial"
staleness_max = 4
[strategy]
server_learning_rate = 0.5
server_momentum = 0.3
)";

TEST(AsyncProcesses, KillsOfEverybodyLoseNothingAndTheRecordsReplay) {
  TempDir directory;
  cli::AppendTo(directory / "async.toml", std::string(kAsyncJob));
  KeyedStream random(KillSeed(), "async kills", {});
  const std::string state = directory / "state";
  std::filesystem::create_directories(state);
  cli::Program run(RunArguments(directory / "async.toml", state));
  Killer killer(run, state);
  ASSERT_NO_FATAL_FAILURE(killer.KillAtRandom(random, kAsyncKills, kAsyncParticipants));
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  killer.Print();

  const Json finished = run.events().back();
  EXPECT_EQ(finished["event"], "finished");
  EXPECT_EQ(finished["reproducible"], false);
  EXPECT_THAT(finished.dump(), ::testing::HasSubstr("mode_async"));
  EXPECT_EQ(VersionsOf(ReadEvents(state)), EachVersionOnce(kAsyncVersions));
  ExpectReplays(state);
}

}  // namespace
}  // namespace muster::process
