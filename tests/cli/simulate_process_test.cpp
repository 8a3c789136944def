// `muster simulate` and the signals that stop it: what ran is told, and how to go on.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/cli/append_to.h"
#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::seconds kCatchesPatience{60};
constexpr int kCatchesPollMs = 2;

/// Waits until this process has a handler for the signal, as the kernel tells it.
void AwaitHandler(pid_t pid, int number) {
  const auto deadline = std::chrono::steady_clock::now() + kCatchesPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (!line.starts_with("SigCgt:")) continue;
      const std::uint64_t caught =
          std::stoull(line.substr(line.find_last_of("\t ") + 1), nullptr, 16);
      if ((caught >> (number - 1) & 1) != 0) return;
    }
    ::poll(nullptr, 0, kCatchesPollMs);
  }
  ADD_FAILURE() << "no handler for signal " << number;
}

/// Four participants of whose messages all are lost: no round ends. To make that small takes
/// minutes.
std::string LostSchedule() {
  std::string text =
      "muster schedule 1\noption seed 1\noption participants 4\noption parts 4\n"
      "option goal 4\noption quorum 4\noption over_select 100\noption rounds 60\n";
  for (int ordinal = 0; ordinal < 2'000; ++ordinal) {
    for (int actor = 1; actor <= 4; ++actor) {
      text += fmt::format("fault lose {} {} 0\n", actor, ordinal);
    }
  }
  return text;
}

class SimulateSignalTest : public ::testing::Test {
 protected:
  TempDir directory_;
};

TEST_F(SimulateSignalTest, AnInterruptedSwarmTellsWhatRanAndHowToGoOn) {
  const std::string config = directory_ / "two words.toml";
  AppendTo(config, "participants = 3\nparts = 3\ngoal = 3\nquorum = 2\n");
  Program swarm({"simulate", "--seeds", "1..1000000", "--config", config, "--jobs", "1"});
  AwaitHandler(swarm.pid(), SIGINT);
  swarm.Signal(SIGINT);
  EXPECT_EQ(swarm.Wait(), 130) << swarm.errors();
  EXPECT_THAT(swarm.output(), HasSubstr("fault "));
  EXPECT_THAT(swarm.output(), HasSubstr("seeds    1..1000000: "));
  EXPECT_THAT(swarm.output(), HasSubstr(" of 1,000,000 seeds\n"));
  EXPECT_THAT(swarm.output(), HasSubstr(fmt::format("..1000000 --config '{}' --jobs 1\n", config)));
}

TEST_F(SimulateSignalTest, AnInterruptedSwarmNamesTheNextSeedInJson) {
  Program swarm({"simulate", "--seeds", "5..1000000", "--format", "json"});
  AwaitHandler(swarm.pid(), SIGTERM);
  swarm.Signal(SIGTERM);
  EXPECT_EQ(swarm.Wait(), 143) << swarm.errors();
  ASSERT_EQ(swarm.events().size(), 1U);
  const nlohmann::json& report = swarm.events().front();
  EXPECT_EQ(report["next"], 5 + report["seeds"].get<std::uint64_t>());
  EXPECT_THAT(report["go_on"], HasSubstr(fmt::format("--seeds {}..", report["next"].dump())));
}

TEST_F(SimulateSignalTest, ASwarmThatWasDoneIsNotInterrupted) {
  Program swarm({"simulate", "--seeds", "1..1", "--format", "json"});
  EXPECT_EQ(swarm.Wait(), 0) << swarm.errors();
  ASSERT_EQ(swarm.events().size(), 1U);
  EXPECT_FALSE(swarm.events().front().contains("next"));
}

TEST_F(SimulateSignalTest, AnInterruptedShrinkWritesTheSmallestSoFar) {
  const std::string lost = directory_ / "lost.schedule";
  const std::string smaller = directory_ / "smaller.schedule";
  AppendTo(lost, LostSchedule());
  Program shrink({"simulate", "--replay", lost, "--shrink", "--out", smaller});
  AwaitHandler(shrink.pid(), SIGTERM);
  shrink.Signal(SIGTERM);
  EXPECT_EQ(shrink.Wait(), 143) << shrink.errors();
  EXPECT_THAT(shrink.output(), HasSubstr("the smallest so far is in " + smaller + "\n"));
  EXPECT_THAT(shrink.output(), HasSubstr("--replay " + smaller + " --shrink --out " + smaller));
  EXPECT_LT(std::filesystem::file_size(smaller), std::filesystem::file_size(lost));
  Program again({"simulate", "--replay", smaller});
  EXPECT_EQ(again.Wait(), 21) << again.output() << again.errors();
}

}  // namespace
}  // namespace muster::cli
