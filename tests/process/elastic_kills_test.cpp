// Elastic data under SIGKILLs of coordinator and participants: blocks change hands, and no bit
// does.
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

constexpr std::uint64_t kElasticRounds = 24;
constexpr std::size_t kElasticKills = 10;
constexpr std::size_t kElasticParticipants = 3;

/// Three participants for rounds of five blocks; the last round of an epoch has two.
constexpr std::string_view kElasticJob = R"(
[job]
name = "elastic"
rounds = 24
[model]
kind = "synthetic"
parameters = 100000
[data]
source = "none"
access = "elastic"
train_examples = 115
block_examples = 10
[train]
duration_ms = 60
[round]
goal = 5
select_from = "present"
[run]
participants = 3
)";

class ElasticKillsTest : public ::testing::Test {
 protected:
  void SetUp() override { cli::AppendTo(directory_ / "elastic.toml", std::string(kElasticJob)); }

  std::vector<std::string> Arguments(const std::string& state,
                                     const std::vector<std::string>& more) const {
    std::vector<std::string> arguments =
        RunArguments(directory_ / "elastic.toml", directory_ / state);
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  void ExpectSameDigestAfterKills(const std::vector<std::string>& more) const;

  TempDir directory_;
};

// One participant alone does all blocks of the first run, three that are killed those of the
// second.
void ElasticKillsTest::ExpectSameDigestAfterKills(const std::vector<std::string>& more) const {
  std::vector<std::string> alone_too = more;
  alone_too.insert(alone_too.end(), {"--set", "run.participants=1"});
  Program alone(Arguments("alone", alone_too));
  ASSERT_EQ(alone.Wait(), 0) << alone.errors();
  const Json undisturbed = alone.events().back();
  EXPECT_EQ(undisturbed["reproducible"], true) << undisturbed;

  KeyedStream random(KillSeed(), "elastic kills", {});
  std::filesystem::create_directories(directory_ / "state");
  Program run(Arguments("state", more));
  Killer killer(run, directory_ / "state");
  ASSERT_NO_FATAL_FAILURE(killer.KillAtRandom(random, kElasticKills, kElasticParticipants));
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  killer.Print();

  const Json finished = run.events().back();
  EXPECT_EQ(finished["event"], "finished");
  EXPECT_EQ(finished["digest"], undisturbed["digest"]);
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_EQ(VersionsOf(ReadEvents(directory_ / "state")), EachVersionOnce(kElasticRounds));

  ExpectReplays(directory_ / "state");
}

TEST_F(ElasticKillsTest, KillsAndAnyNumberOfParticipantsGiveTheSameDigest) {
  ExpectSameDigestAfterKills({});
}

TEST_F(ElasticKillsTest, StepsOfSyncSgdAreTheSameWhoeverComputesTheirMicroBatches) {
  ExpectSameDigestAfterKills({"--set", "round.mode=sync-sgd", "--set", "round.accept=durable"});
}

}  // namespace
}  // namespace muster::process
