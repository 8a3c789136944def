// A disk that fills up under a run and is emptied again: the run waits and goes on by itself.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "simulator/federation/federation.h"
#include "tests/simulator/small_setup.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

constexpr Round kRounds = 5;
constexpr Version kFullAfter = 2;
constexpr Micros kFullFor = 8'000 * kMillisecond;
constexpr Micros kPatience = 3'600'000 * kMillisecond;

class DiskFullTest : public ::testing::Test {
 protected:
  DiskFullTest() {
    Federation undisturbed(1, Faults{}, SmallSetup(directory_ / "undisturbed", kRounds));
    digest_ = undisturbed.Run(kPatience).digest;
  }

  /// From kFullAfter on the disk has so many bytes left, and room again after kFullFor. What the
  /// coordinator waited for shortly before is in `waited`, and which version was head in `reached`.
  RunResult RunWithRoom(std::uint64_t bytes) {
    Federation federation(1, Faults{}, SmallSetup(directory_ / "state", kRounds));
    World& world = federation.world();
    federation.observer().on_progress = [&, filled = false](Version head, Attempt) mutable {
      reached_ = head;
      if (head != kFullAfter || std::exchange(filled, true)) return;
      std::uint64_t used = 0;
      for (const auto& [path, size] : federation.disk().Files()) used += size;
      federation.disk().SetCapacity(used + bytes);
      world.At(world.now() + kFullFor, kCoordinator, [&] {
        waited_ = federation.coordinator().Waiting();
        reached_before_room_ = reached_;
        federation.disk().SetCapacity(UINT64_MAX);
      });
    };
    RunResult result = federation.Run(kPatience);
    federation.observer().on_progress = nullptr;
    return result;
  }

  const TempDir directory_;
  Sha256Digest digest_{};
  std::string waited_;
  Version reached_ = 0, reached_before_room_ = 0;
};

TEST_F(DiskFullTest, BelowTheReserveNothingIsGrantedAndThenTheRunGoesOn) {
  const RunResult result = RunWithRoom(4U << 20);
  EXPECT_NE(waited_.find("disk_space"), std::string::npos) << waited_;
  EXPECT_LE(reached_before_room_, kFullAfter + 1) << "a round that is granted is finished";
  ASSERT_TRUE(result.finished) << result.waiting;
  EXPECT_TRUE(result.violations.empty()) << result.violations.front();
  EXPECT_EQ(result.digest, digest_);
}

TEST_F(DiskFullTest, WithoutASingleByteTheRunWaitsAndThenGoesOn) {
  const RunResult result = RunWithRoom(0);
  EXPECT_NE(waited_.find("disk_space"), std::string::npos) << waited_;
  ASSERT_TRUE(result.finished) << result.waiting;
  EXPECT_TRUE(result.violations.empty()) << result.violations.front();
  EXPECT_EQ(result.digest, digest_);
}

}  // namespace
}  // namespace muster::simulator
