// Updates of several lanes, of real processes that are killed: spooled, folded again and recovered
// at their own length.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/cli/append_to.h"
#include "tests/process/events.h"
#include "tests/process/killer.h"
#include "tests/support/temp_dir.h"

namespace muster::process {
namespace {

using cli::Program;

constexpr std::uint64_t kLaneRounds = 24;
constexpr std::string_view kLaneJob = R"(
[job]
name = "lanes"
rounds = 24
[model]
kind = "synthetic"
parameters = 100000
[data]
source = "none"
parts = 4
[train]
duration_ms = 60
[round]
goal = 4
[strategy]
name = "fednova"
)";

TEST(LaneKills, KillsOfEverybodyChangeNoBitAndTheRecordsReplay) {
  const TempDir directory;
  cli::AppendTo(directory / "lanes.toml", std::string(kLaneJob));
  const auto arguments = [&](const std::string& state) {
    return RunArguments(directory / "lanes.toml", directory / state);
  };
  Program quiet(arguments("quiet"));
  ASSERT_EQ(quiet.Wait(), 0) << quiet.errors();

  std::filesystem::create_directories(directory / "state");
  Program run(arguments("state"));
  Killer killer(run, directory / "state");
  for (std::size_t kill = 0; kill < 4; ++kill) {
    killer.KillParticipant(kill, /*with_update=*/kill % 2 == 0);
    ASSERT_NO_FATAL_FAILURE(killer.AwaitProgress());
    killer.KillCoordinatorIn(kill % 2 == 0 ? "report" : "commit");
    ASSERT_NO_FATAL_FAILURE(killer.AwaitProgress());
  }
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  killer.Print();
  const Json finished = run.events().back();
  EXPECT_EQ(finished["digest"], quiet.events().back()["digest"]);
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_EQ(VersionsOf(run.events()), EachVersionOnce(kLaneRounds));

  Program verify({"checkpoints", "verify", "--state-dir", directory / "state", "--replay"});
  EXPECT_EQ(verify.Wait(), 0) << verify.output() << verify.errors();
}

}  // namespace
}  // namespace muster::process
