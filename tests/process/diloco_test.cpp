// A diloco run of real processes under random SIGKILLs: the moments of each participant are those
// of its last update that counts, whoever dies when, so no bit changes; and its records replay.
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

using cli::Program;

constexpr std::uint64_t kDilocoRounds = 30;
constexpr std::size_t kDilocoKills = 14;
constexpr std::size_t kDilocoParticipants = 3;

constexpr std::string_view kDilocoJob = R"(
[job]
name = "diloco"
rounds = 30
[model]
kind = "mlp"
hidden = [100]
[data]
source = "digits"
parts = 3
train_examples = 600
test_examples = 100
[train]
optimizer = "adamw"
steps = 60
batch_size = 20
learning_rate = 0.001
[round]
mode = "diloco"
goal = 3
[strategy]
name = "nesterov"
server_learning_rate = 0.7
server_momentum = 0.9
)";

class DilocoTest : public ::testing::Test {
 protected:
  void SetUp() override { cli::AppendTo(directory_ / "diloco.toml", std::string(kDilocoJob)); }

  std::vector<std::string> Arguments(const std::string& state) const {
    return RunArguments(directory_ / "diloco.toml", directory_ / state);
  }
  void ExpectReplays(const std::string& state) const {
    Program verify({"checkpoints", "verify", "--state-dir", directory_ / state, "--replay",
                    "--format", "json"});
    EXPECT_EQ(verify.Wait(), 0) << verify.output() << verify.errors();
    EXPECT_THAT(verify.output(), ::testing::HasSubstr("\"replayed\""));
  }

  TempDir directory_;
};

TEST_F(DilocoTest, KillsOfEverybodyChangeNoBitAndTheRecordsReplay) {
  Program quiet(Arguments("quiet"));
  ASSERT_EQ(quiet.Wait(), 0) << quiet.errors();
  const Json undisturbed = quiet.events().back();

  KeyedStream random(KillSeed(), "diloco kills", {});
  std::filesystem::create_directories(directory_ / "state");
  Program run(Arguments("state"));
  Killer killer(run, directory_ / "state");
  while (killer.kills().size() < kDilocoKills) {
    if (random.Below(4) == 0) {
      killer.KillCoordinatorIn(random.Below(2) == 0 ? "report" : "commit");
    } else {
      killer.KillParticipant(random.Below(kDilocoParticipants), random.Below(2) == 0);
    }
    ASSERT_NO_FATAL_FAILURE(killer.AwaitProgress());
  }
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  killer.Print();

  const Json finished = run.events().back();
  EXPECT_EQ(finished["event"], "finished");
  EXPECT_EQ(finished["digest"], undisturbed["digest"]);
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_EQ(VersionsOf(ReadEvents(directory_ / "state")), EachVersionOnce(kDilocoRounds));
  for (std::size_t i = 0; i < kDilocoParticipants; ++i) {
    const std::string log = directory_ / "state/participants/participant-0" + std::to_string(i);
    EXPECT_TRUE(std::filesystem::exists(log + "/client.bin")) << log;
  }
  ExpectReplays("state");
}

// It begins afresh, says so in its offer, and the record of it replays all the same.
TEST_F(DilocoTest, AParticipantThatLostItsMomentsReplays) {
  {
    Program first({"run", directory_ / "diloco.toml", "--state-dir", directory_ / "state",
                   "--format", "json", "--set", "job.rounds=4"});
    ASSERT_EQ(first.Wait(), 0) << first.errors();
  }
  const std::string lost = directory_ / "state/participants/participant-01/client.bin";
  ASSERT_TRUE(std::filesystem::remove(lost));
  Program rest({"run", directory_ / "diloco.toml", "--state-dir", directory_ / "state", "--format",
                "json", "--set", "job.rounds=8"});
  ASSERT_EQ(rest.Wait(), 0) << rest.output() << rest.errors();
  ExpectReplays("state");
}

}  // namespace
}  // namespace muster::process
