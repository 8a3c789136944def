// Runs with client-side state, of real processes under random SIGKILLs: the state of each
// participant is that of its last update that counts, whoever dies when, so no bit changes; and the
// records replay, also after a state was lost or damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/random.h"
#include "tests/cli/append_to.h"
#include "tests/process/events.h"
#include "tests/process/killer.h"
#include "tests/support/temp_dir.h"

namespace muster::process {
namespace {

using cli::Program;

constexpr std::uint64_t kStatefulRounds = 30;
constexpr std::size_t kStatefulKills = 14;
constexpr std::size_t kStatefulParticipants = 3;

struct StatefulJob {
  const char* name;
  const char* what_keeps_it;  ///< Its mode, local training and strategy.
};

constexpr std::string_view kStatefulJob = R"(
[job]
name = "stateful"
rounds = 30
[model]
kind = "mlp"
hidden = [100]
[data]
source = "digits"
parts = 3
train_examples = 600
test_examples = 100
)";

constexpr StatefulJob kStatefulJobs[] = {
    {"Diloco", R"(
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
)"},
    {"Scaffold", R"(
[train]
steps = 60
batch_size = 20
learning_rate = 0.05
[round]
goal = 3
[strategy]
name = "scaffold"
)"},
};

class ClientStateKills : public ::testing::TestWithParam<StatefulJob> {
 protected:
  void SetUp() override {
    cli::AppendTo(directory_ / "job.toml", std::string(kStatefulJob) + GetParam().what_keeps_it);
  }

  std::vector<std::string> Arguments(const std::string& state) const {
    return RunArguments(directory_ / "job.toml", directory_ / state);
  }
  /// Runs the job in `state` until it has so many versions.
  void RunTo(int rounds) {
    std::vector<std::string> arguments = Arguments("state");
    arguments.insert(arguments.end(), {"--set", "job.rounds=" + std::to_string(rounds)});
    Program run(arguments);
    ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
    finished_ = run.events().back();
  }
  std::string Participant(std::size_t index) const {
    return directory_ / ("state/participants/participant-0" + std::to_string(index));
  }
  std::string LogOf(std::size_t index) const {
    std::ostringstream text;
    text << std::ifstream(Participant(index) + "/participant.log").rdbuf();
    return text.str();
  }

  TempDir directory_;
  Json finished_;  ///< Of the last RunTo.
};

TEST_P(ClientStateKills, KillsOfEverybodyChangeNoBitAndTheRecordsReplay) {
  Program quiet(Arguments("quiet"));
  ASSERT_EQ(quiet.Wait(), 0) << quiet.errors();
  const Json undisturbed = quiet.events().back();

  KeyedStream random(KillSeed(), "client state kills", {});
  std::filesystem::create_directories(directory_ / "state");
  Program run(Arguments("state"));
  Killer killer(run, directory_ / "state");
  ASSERT_NO_FATAL_FAILURE(killer.KillAtRandom(random, kStatefulKills, kStatefulParticipants));
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  killer.Print();

  const Json finished = run.events().back();
  EXPECT_EQ(finished["event"], "finished");
  EXPECT_EQ(finished["digest"], undisturbed["digest"]);
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_EQ(VersionsOf(ReadEvents(directory_ / "state")), EachVersionOnce(kStatefulRounds));
  for (std::size_t i = 0; i < kStatefulParticipants; ++i) {
    EXPECT_TRUE(std::filesystem::exists(Participant(i) + "/client.bin")) << i;
  }
  ExpectReplays(directory_ / "state");
}

// It begins afresh, says so in its log and its offer, and the record of it replays all the same.
TEST_P(ClientStateKills, ALostStateIsNamedAndReplays) {
  ASSERT_NO_FATAL_FAILURE(RunTo(4));
  ASSERT_TRUE(std::filesystem::remove(Participant(1) + "/client.bin"));
  ASSERT_NO_FATAL_FAILURE(RunTo(8));
  EXPECT_THAT(LogOf(1), ::testing::HasSubstr("the client-side state of version 4 is lost, the next "
                                             "training begins from a fresh one"));
  EXPECT_EQ(finished_["reproducible"], false);
  const Json expected = {{"round", 5}, {"cause", "client_state_lost"}, {"who", "participant-01"}};
  EXPECT_EQ(finished_["causes"], Json::array({expected}));
  ExpectReplays(directory_ / "state");
}

TEST_P(ClientStateKills, ADamagedStateIsNamedAndReplays) {
  ASSERT_NO_FATAL_FAILURE(RunTo(4));
  {
    std::fstream file(Participant(2) + "/client.bin",
                      std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(100);
    const auto byte = static_cast<char>(file.get() ^ 1);
    file.seekp(100);
    file.put(byte);
    ASSERT_TRUE(file.good());
  }
  ASSERT_NO_FATAL_FAILURE(RunTo(8));
  EXPECT_THAT(LogOf(2), ::testing::HasSubstr("the client-side state of version 4 is lost"));
  EXPECT_THAT(LogOf(2), ::testing::HasSubstr("does not hold the client-side state that state.bin "
                                             "names"));
  ExpectReplays(directory_ / "state");
}

INSTANTIATE_TEST_SUITE_P(Jobs, ClientStateKills, ::testing::ValuesIn(kStatefulJobs),
                         [](const auto& job) { return job.param.name; });

}  // namespace
}  // namespace muster::process
