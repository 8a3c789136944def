// One run of real processes under random SIGKILLs: they cost time and change no bit.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "common/random.h"
#include "tests/cli/append_to.h"
#include "tests/process/events.h"
#include "tests/process/killer.h"
#include "tests/support/temp_dir.h"

namespace muster::process {
namespace {

using cli::Program;

constexpr std::uint64_t kRounds = 45;
constexpr std::size_t kKills = 20;
constexpr int kCoordinatorKills = 8;
constexpr std::size_t kParticipants = 4;
/// A phase of a millisecond is not always hit: so many kills are enough to hit each.
constexpr std::size_t kKillsMax = 35;
const std::vector<std::string> kPhases = {"select", "configure", "report", "commit"};

/// The target is never reached: it only makes each round begin with a select of its own.
constexpr std::string_view kJob = R"(
[job]
name = "kills"
rounds = 45
target_accuracy = 0.99
[model]
kind = "synthetic"
parameters = 400000
[data]
source = "none"
parts = 4
[train]
duration_ms = 60
[round]
goal = 4
[coordinator]
fold_threads = 2
)";

class KillsTest : public ::testing::Test {
 protected:
  void SetUp() override { cli::AppendTo(directory_ / "kills.toml", std::string(kJob)); }

  std::vector<std::string> Arguments(const std::string& state) const {
    return RunArguments(directory_ / "kills.toml", directory_ / state);
  }

  TempDir directory_;
};

TEST_F(KillsTest, TwentyKillsInAllPhasesChangeNoBit) {
  Program quiet(Arguments("quiet"));
  ASSERT_EQ(quiet.Wait(), 0) << quiet.errors();
  const Json undisturbed = quiet.events().back();

  KeyedStream random(KillSeed(), "kills", {});
  std::filesystem::create_directories(directory_ / "state");
  Program run(Arguments("state"));
  Killer killer(run, directory_ / "state");
  std::set<std::string> missed(kPhases.begin(), kPhases.end());
  int coordinator_kills = 0;
  while ((killer.kills().size() < kKills || coordinator_kills < kCoordinatorKills ||
          !missed.empty()) &&
         killer.kills().size() < kKillsMax) {
    if (random.Below(5) < 3) {
      const std::size_t pick = random.Below(missed.empty() ? kPhases.size() : missed.size());
      const auto offset = static_cast<std::ptrdiff_t>(pick);
      const std::string phase = missed.empty() ? kPhases[pick] : *std::next(missed.begin(), offset);
      // Room for the round is made once a process: only a new one stays in configure for a while.
      if (phase == "configure") killer.KillCoordinatorIn("report");
      killer.KillCoordinatorIn(phase);
    } else {
      killer.KillParticipant(random.Below(kParticipants), /*with_update=*/random.Below(2) == 0);
    }
    coordinator_kills = 0;
    for (const auto& [phase, count] : killer.CoordinatorKillsByPhase()) {
      coordinator_kills += count;
      missed.erase(phase);
    }
    ASSERT_NO_FATAL_FAILURE(killer.AwaitProgress());
  }
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  killer.Print();

  for (const std::string& phase : missed) ADD_FAILURE() << "no coordinator died in " << phase;
  EXPECT_GE(coordinator_kills, kCoordinatorKills);
  std::size_t restarts = 0;
  for (const Json& event : run.events()) {
    if (event["event"] != "restart") continue;
    ++restarts;
    EXPECT_EQ(event["exit"], "signal 9") << event;
  }
  EXPECT_EQ(restarts, killer.kills().size()) << "nobody died but by this test";
  const Json finished = run.events().back();
  EXPECT_EQ(finished["event"], "finished");
  EXPECT_EQ(finished["digest"], undisturbed["digest"]);
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_EQ(VersionsOf(run.events()), EachVersionOnce(kRounds));
  EXPECT_EQ(VersionsOf(ReadEvents(directory_ / "state")), EachVersionOnce(kRounds));
}

}  // namespace
}  // namespace muster::process
