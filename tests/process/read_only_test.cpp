// A state directory that has gone read-only: nothing is lost, and what is wrong is said.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tests/process/fleet.h"
#include "tests/process/killer.h"
#include "tests/support/child.h"
#include "tests/support/line_follower.h"

namespace muster::process {
namespace {

using testing::LineFollower;

constexpr int kIoFailed = 9;
const std::vector<std::string> kNames = {"site-0", "site-1"};

constexpr std::string_view kJob = R"(
[job]
name = "readonly"
rounds = 6
[model]
kind = "synthetic"
parameters = 20000
[data]
source = "none"
parts = 2
[train]
duration_ms = 100
[round]
goal = 2
)";

/// A file system of the coordinator's own, in a world of mounts that ends with this process.
bool MountOver(const std::string& directory) {
  std::filesystem::create_directories(directory);
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("none", directory.c_str(), "tmpfs", 0, "size=256m") == 0;
}

void RemountReadOnly(const std::string& directory, bool read_only) {
  ASSERT_EQ(mount("none", directory.c_str(), "tmpfs", MS_REMOUNT | (read_only ? MS_RDONLY : 0),
                  "size=256m"),
            0)
      << std::strerror(errno);
}

void StopAndGoOn(const Fleet& fleet, const std::string& undisturbed) {
  fleet.EnrollNew(kNames);
  Fleet::Process coordinator = fleet.StartCoordinator();
  std::vector<Fleet::Process> sites;
  for (const std::string& name : kNames) sites.push_back(fleet.StartParticipant(name));
  LineFollower log(fleet.CoordinatorLog());
  log.Await([](const std::string& line) {
    return Says(line, "committed") && Field(line, "version") == "2";
  });
  coordinator->Signal(SIGKILL);
  ExpectExit(*coordinator, -SIGKILL);

  ASSERT_NO_FATAL_FAILURE(RemountReadOnly(fleet.CoordinatorDir(), true));
  coordinator = fleet.StartCoordinator();
  ExpectExit(*coordinator, kIoFailed);
  EXPECT_NE((coordinator->output() + coordinator->errors()).find("Read-only file system"),
            std::string::npos)
      << coordinator->output() << coordinator->errors();

  // Who only looks needs nothing but to read.
  cli::Program verify({"checkpoints", "verify", "--state-dir", fleet.CoordinatorDir()});
  ExpectExit(verify, 0);

  ASSERT_NO_FATAL_FAILURE(RemountReadOnly(fleet.CoordinatorDir(), false));
  coordinator = fleet.StartCoordinator();
  ExpectExit(*coordinator, 0);
  for (const Fleet::Process& site : sites) ExpectExit(*site, 0);
  EXPECT_EQ(LastEvent(fleet.Events(), "finished").value("digest", ""), undisturbed);
}

TEST(AStateDirectoryGoneReadOnly, StopsTheCoordinatorAndLosesNothing) {
  const std::string job(kJob);
  const Fleet fleet(job);
  if (RunInChild([&] { return MountOver(fleet.CoordinatorDir()); }) != 0) {
    GTEST_SKIP() << "this machine does not let us mount";
  }
  const std::string undisturbed = Fleet::UndisturbedDigest(job, kNames);
  // The child's mounts are not this process's; what it found is told by its exit code.
  const int code = RunInChild([&] {
    if (!MountOver(fleet.CoordinatorDir())) return false;
    StopAndGoOn(fleet, undisturbed);
    return !::testing::Test::HasFailure();
  });
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace muster::process
