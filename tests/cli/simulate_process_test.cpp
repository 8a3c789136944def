// `muster simulate` and the signals that stop it, and seeds that end their process: what ran is
// told, and how to go on.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
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

/// A run of some seconds.
constexpr char kLong[] =
    "participants = 3\nparts = 3\ngoal = 3\nquorum = 2\nrounds = 1_000\nsafety_rounds = 1_000\n"
    "safety_ms = 1_000_000_000\nhostile = 0\nstalled = 0\ntarget = 0\nattempts_max = 0\n";

/// The one child that this process has, as the kernel tells it; not `other`.
pid_t AwaitChild(pid_t pid, pid_t other = -1) {
  const std::string name = std::to_string(pid);
  const auto deadline = std::chrono::steady_clock::now() + kCatchesPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    std::ifstream children("/proc/" + name + "/task/" + name + "/children");
    for (pid_t child = -1; children >> child;) {
      if (child != other) return child;
    }
    ::poll(nullptr, 0, kCatchesPollMs);
  }
  ADD_FAILURE() << "no child";
  return -1;
}

class SimulateSignalTest : public ::testing::Test {
 protected:
  TempDir directory_;
};

class SimulateCrashTest : public SimulateSignalTest {
 protected:
  void SetUp() override { std::filesystem::create_directory(temp()); }
  std::string temp() const { return directory_ / "temp"; }
  /// In the child: where it makes directories.
  std::function<void()> InTemp() const {
    return [path = temp()] { ::setenv("TMPDIR", path.c_str(), 1); };
  }
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

TEST_F(SimulateCrashTest, ASwarmGoesOnBehindASeedThatCrashes) {
  Program swarm(
      {"simulate", "--seeds", "1..1000000", "--jobs", "1", "--store", "model", "--format", "json"},
      InTemp());
  AwaitHandler(swarm.pid(), SIGINT);
  const pid_t child = AwaitChild(swarm.pid());
  ::kill(child, SIGSEGV);
  AwaitChild(swarm.pid(), child);
  swarm.Signal(SIGINT);
  EXPECT_EQ(swarm.Wait(), 130) << swarm.errors();
  ASSERT_EQ(swarm.events().size(), 1U);
  const nlohmann::json& report = swarm.events().front();
  EXPECT_EQ(report["ending"], "crash");
  ASSERT_EQ(report["failures"].size(), 1U);
  const nlohmann::json& failure = report["failures"][0];
  EXPECT_THAT(failure["what"], HasSubstr("signal 11"));
  EXPECT_EQ(failure["again"],
            fmt::format("muster simulate --seed {} --store model --story", failure["seed"].dump()));
  EXPECT_GT(report["seeds"], 1U);
  EXPECT_TRUE(std::filesystem::is_empty(temp()));
}

// No run of a sound program fails: one is made to crash, which no smaller one does.
TEST_F(SimulateCrashTest, AnInterruptedShrinkWritesTheSmallestSoFar) {
  const std::string config = directory_ / "long.toml";
  const std::string smaller = directory_ / "smaller.schedule";
  AppendTo(config, kLong);
  Program shrink({"simulate", "--seed", "1", "--config", config, "--shrink", "--out", smaller},
                 InTemp());
  const pid_t child = AwaitChild(shrink.pid());
  AwaitHandler(child, SIGSEGV);
  ::kill(child, SIGSEGV);
  AwaitChild(shrink.pid(), child);
  shrink.Signal(SIGTERM);
  EXPECT_EQ(shrink.Wait(), 143) << shrink.errors();
  EXPECT_THAT(shrink.output(), HasSubstr("\ncrash: signal 11 (Segmentation fault)\n"));
  EXPECT_THAT(shrink.output(), HasSubstr("the smallest so far is in " + smaller + "\n"));
  EXPECT_THAT(shrink.output(), HasSubstr("--replay " + smaller + " --shrink --out " + smaller));
  std::ifstream schedule(smaller);
  std::string line;
  EXPECT_TRUE(std::getline(schedule, line));
  EXPECT_EQ(line, "muster schedule 1");
  EXPECT_TRUE(std::filesystem::is_empty(temp()));
}

TEST_F(SimulateCrashTest, TheStoryOfASeedThatCrashesIsToldUntilThen) {
  const std::string config = directory_ / "long.toml";
  AppendTo(config, kLong);
  Program seed({"simulate", "--seed", "1", "--config", config, "--story"}, InTemp());
  const pid_t child = AwaitChild(seed.pid());
  ASSERT_TRUE(seed.AwaitText(" s  coordinator  ")) << seed.errors();
  ::kill(child, SIGSEGV);
  EXPECT_EQ(seed.Wait(), 20) << seed.errors();
  EXPECT_THAT(seed.output(), HasSubstr("\noptions "));
  EXPECT_THAT(seed.output(), HasSubstr("\ncrash: signal 11 (Segmentation fault)\n"));
  EXPECT_TRUE(std::filesystem::is_empty(temp()));
}

}  // namespace
}  // namespace muster::cli
