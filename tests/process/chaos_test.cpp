// A hundred random SIGKILLs over one run, and processes that are stopped for longer than a lease:
// the longest that a test can take. tests/process/kills_test.cpp looks at fewer kills more closely.
#include <gtest/gtest.h>

#include <filesystem>

#include "common/random.h"
#include "tests/cli/append_to.h"
#include "tests/process/events.h"
#include "tests/process/killer.h"
#include "tests/support/temp_dir.h"

namespace muster::process {
namespace {

using cli::Program;

constexpr std::size_t kKills = 100;
/// Between the kills, so many times each, the coordinator and a participant are stopped.
constexpr std::size_t kStops = 4;
constexpr std::size_t kParticipants = 4;
const std::vector<std::string> kPhases = {"select", "configure", "report", "commit"};

/// More rounds than the kills need: each waits for a new version, and the run must outlive the
/// last.
constexpr std::uint64_t kRounds = 260;
/// The target is never reached: it only makes each round begin with a select of its own.
constexpr std::string_view kJob = R"(
[job]
name = "chaos"
rounds = 260
target_accuracy = 0.99
[model]
kind = "synthetic"
parameters = 50000
[data]
source = "none"
parts = 4
[train]
duration_ms = 20
[round]
goal = 4
[coordinator]
lease_s = 1
)";

TEST(Chaos, AHundredKillsAndLongStopsChangeNoBit) {
  const TempDir directory;
  cli::AppendTo(directory / "chaos.toml", std::string(kJob));
  const auto arguments = [&](const std::string& state) {
    return RunArguments(directory / "chaos.toml", directory / state);
  };
  Program quiet(arguments("quiet"));
  ASSERT_EQ(quiet.Wait(), 0) << quiet.errors();

  KeyedStream random(KillSeed(), "chaos", {});
  std::filesystem::create_directories(directory / "state");
  Program run(arguments("state"));
  Killer killer(run, directory / "state");
  while (killer.kills().size() < kKills) {
    if (killer.kills().size() % (kKills / kStops) == kKills / kStops / 2) {
      killer.StopCoordinator(random.Below(kParticipants));
      killer.StopParticipant(random.Below(kParticipants));
    }
    if (random.Below(2) == 0) {
      killer.KillCoordinatorIn(kPhases[random.Below(kPhases.size())]);
    } else {
      killer.KillParticipant(random.Below(kParticipants), /*with_update=*/random.Below(2) == 0);
    }
    ASSERT_NO_FATAL_FAILURE(killer.AwaitProgress());
  }
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();

  for (const auto& [phase, count] : killer.CoordinatorKillsByPhase()) {
    std::printf("%d coordinators died in %s\n", count, phase.c_str());
  }
  const Json finished = run.events().back();
  EXPECT_EQ(finished["event"], "finished");
  EXPECT_EQ(finished["digest"], quiet.events().back()["digest"]);
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_EQ(VersionsOf(ReadEvents(directory / "state")), EachVersionOnce(kRounds));
}

}  // namespace
}  // namespace muster::process
