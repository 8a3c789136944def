// A small volume of its own under the coordinator's state: refused where the job cannot fit, waited
// for where it filled up.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "common/disk_space.h"
#include "common/file.h"
#include "tests/process/fleet.h"

namespace muster::process {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kNames = {"site-0", "site-1"};
constexpr std::string_view kJob = R"(
[job]
name = "small-volume"
rounds = 40
[model]
kind = "synthetic"
parameters = 100000
[data]
source = "none"
parts = 2
[train]
duration_ms = 100
[round]
goal = 2
[checkpoint]
keep_last = 3
)";

class VolumeTest : public ::testing::Test {
 protected:
  VolumeTest() : fleet_(std::string(kJob)) {}
  ~VolumeTest() override {
    if (mounted_) ::umount2(fleet_.CoordinatorDir().c_str(), MNT_DETACH);
  }
  /// False, with the reason printed, where this process may not mount.
  bool Mount(const std::string& size) {
    const std::string path = fleet_.CoordinatorDir();
    std::filesystem::create_directories(path);
    mounted_ = ::mount("tmpfs", path.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
    if (!mounted_) std::printf("cannot mount a tmpfs here: %s\n", std::strerror(errno));
    return mounted_;
  }
  /// Takes all of the volume but `left` bytes.
  void Fill(std::uint64_t left) const {
    const std::uint64_t free_bytes = *FreeBytes(fleet_.CoordinatorDir());
    ASSERT_GT(free_bytes, left);
    const FileDescriptor file(::open(Ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::posix_fallocate(file.get(), 0, static_cast<off_t>(free_bytes - left)), 0);
  }
  std::string Ballast() const { return fleet_.CoordinatorDir() + "/ballast"; }

  Fleet fleet_;
  bool mounted_ = false;
};

TEST_F(VolumeTest, AStartOnAVolumeThatCannotHoldTheJobIsRefusedWithItsNumbers) {
  if (!Mount("24m")) GTEST_SKIP() << "mounting is not permitted";
  const auto coordinator = fleet_.StartCoordinator();
  EXPECT_EQ(coordinator->Wait(), 9);
  EXPECT_THAT(coordinator->output(), HasSubstr("disk_full"));
  EXPECT_THAT(coordinator->output(), HasSubstr("5 updates (2 x round.goal + 1) of 400000"));
  EXPECT_THAT(coordinator->output(), HasSubstr("checkpoint.keep_last = 3"));
}

TEST_F(VolumeTest, AVolumeThatFillsUpPausesGrantsAndTheRunGoesOnWhenThereIsRoom) {
  if (!Mount("128m")) GTEST_SKIP() << "mounting is not permitted";
  fleet_.EnrollNew(kNames);
  const auto coordinator = fleet_.StartCoordinator();
  std::vector<Fleet::Process> participants;
  for (const std::string& name : kNames) participants.push_back(fleet_.StartParticipant(name));
  ASSERT_FALSE(coordinator->AwaitVersion(2).is_null()) << coordinator->errors();
  ASSERT_NO_FATAL_FAILURE(Fill(8U << 20));
  const Json waiting = fleet_.AwaitStatus(
      [](const Json& status) { return status["waiting"]["for"] == "disk_space"; });
  EXPECT_THAT(waiting["waiting"]["next"].get<std::string>(), HasSubstr("bytes are free"));
  EXPECT_GE(waiting["counters"]["disk_full"], 1);
  const std::uint64_t version = waiting["version"];
  EXPECT_LT(version, 40U);
  // What had its grant before may still be delivered and close the round; nothing after it.
  EXPECT_LE(fleet_.Status()["version"], version + 1);
  std::filesystem::remove(Ballast());
  ExpectExit(*coordinator, 0);
  for (const auto& participant : participants) ExpectExit(*participant, 0);
  EXPECT_EQ(LastEvent(fleet_.Events(), "finished")["digest"],
            Fleet::UndisturbedDigest(std::string(kJob), kNames));
}

}  // namespace
}  // namespace muster::process
