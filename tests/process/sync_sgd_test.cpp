// Mode sync-sgd on real processes that are killed: updates held in memory alone, and no bit
// changes.
#include <gtest/gtest.h>

#include <filesystem>

#include "common/random.h"
#include "tests/cli/append_to.h"
#include "tests/process/events.h"
#include "tests/process/killer.h"
#include "tests/support/temp_dir.h"

namespace muster::process {
namespace {

constexpr std::uint64_t kSteps = 400;
constexpr std::size_t kKillsOfSteps = 10;
constexpr std::size_t kWorkers = 4;

constexpr std::string_view kStepsJob = R"(
[job]
name = "steps"
rounds = 400
[model]
kind = "mlp"
hidden = [32]
[data]
source = "digits"
parts = 4
train_examples = 2000
test_examples = 200
[train]
batch_size = 16
[round]
mode = "sync-sgd"
goal = 4
quorum = 4
[strategy]
server_learning_rate = 0.1
server_momentum = 0.9
)";

class SyncSgdTest : public ::testing::Test {
 protected:
  void SetUp() override { cli::AppendTo(directory_ / "steps.toml", std::string(kStepsJob)); }

  std::vector<std::string> Arguments(const std::string& state) const {
    return RunArguments(directory_ / "steps.toml", directory_ / state);
  }

  TempDir directory_;
};

TEST_F(SyncSgdTest, KillsOfBothEndsChangeNoBitOfAnyStep) {
  cli::Program quiet(Arguments("quiet"));
  ASSERT_EQ(quiet.Wait(), 0) << quiet.errors();
  const Json undisturbed = quiet.events().back();

  KeyedStream random(KillSeed(), "kills", {});
  std::filesystem::create_directories(directory_ / "state");
  cli::Program run(Arguments("state"));
  Killer killer(run, directory_ / "state");
  while (killer.kills().size() < kKillsOfSteps) {
    if (killer.kills().size() % 2 == 0) {
      killer.KillCoordinatorIn(random.Below(2) == 0 ? "report" : "commit");
    } else {
      killer.KillParticipant(random.Below(kWorkers), /*with_update=*/random.Below(2) == 0);
    }
    ASSERT_NO_FATAL_FAILURE(killer.AwaitProgress());
  }
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  killer.Print();

  const Json finished = run.events().back();
  EXPECT_EQ(finished["event"], "finished");
  EXPECT_EQ(finished["digest"], undisturbed["digest"]);
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_EQ(VersionsOf(run.events()), EachVersionOnce(kSteps));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "state/spool"))
      << "nothing of an update is written to the disk";
}

}  // namespace
}  // namespace muster::process
