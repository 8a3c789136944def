// A state directory that has gone read-only: nothing is lost, and what is wrong is said.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>

#include "tests/process/fleet.h"
#include "tests/process/killer.h"
#include "tests/process/small_job.h"
#include "tests/support/child.h"
#include "tests/support/line_follower.h"
#include "tests/support/mount.h"

namespace muster::process {
namespace {

using testing::LineFollower;

constexpr int kIoFailed = 9;
constexpr const char* kMountOptions = "size=256m";
const std::vector<std::string> kNames = SiteNames(2);

const std::string kJob = SmallJob{.name = "readonly", .participants = 2, .duration_ms = 100}.Text();

void RemountReadOnly(const std::string& directory, bool read_only) {
  ASSERT_EQ(mount("none", directory.c_str(), "tmpfs", MS_REMOUNT | (read_only ? MS_RDONLY : 0),
                  kMountOptions),
            0)
      << std::strerror(errno);
}

void StopAndGoOn(const Fleet& fleet, const std::string& undisturbed) {
  fleet.EnrollNew(kNames);
  Fleet::Process coordinator = fleet.StartCoordinator();
  const std::vector<Fleet::Process> sites = fleet.StartParticipants(kNames);
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
  const Fleet fleet(kJob);
  if (RunInChild([&] { return MountOver(fleet.CoordinatorDir(), kMountOptions); }) != 0) {
    GTEST_SKIP() << "this machine does not let us mount";
  }
  const std::string undisturbed = Fleet::UndisturbedDigest(kJob, kNames);
  // The child's mounts are not this process's; what it found is told by its exit code.
  const int code = RunInChild([&] {
    if (!MountOver(fleet.CoordinatorDir(), kMountOptions)) return false;
    StopAndGoOn(fleet, undisturbed);
    return !::testing::Test::HasFailure();
  });
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace muster::process
