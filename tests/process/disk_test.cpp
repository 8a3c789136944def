// A small volume of its own under the coordinator's state: refused where the job cannot fit, waited
// for where it filled up.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>

#include "cli/run_files.h"
#include "cli/run_supervisor.h"
#include "common/disk_space.h"
#include "common/file.h"
#include "tests/process/fleet.h"
#include "tests/process/small_job.h"

namespace muster::process {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kNames = SiteNames(2);
const std::string kJob = SmallJob{.name = "small-volume",
                                  .participants = 2,
                                  .rounds = 40,
                                  .parameters = 100'000,
                                  .duration_ms = 100,
                                  .more = "[checkpoint]\nkeep_last = 3\n"}
                             .Text();

class VolumeTest : public ::testing::Test {
 protected:
  VolumeTest() : fleet_(kJob) {}
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
  /// Takes all of the volume but `left` bytes. The processes of the job write there too: what was
  /// free when it was asked may be taken by the time it is claimed, so that is done again.
  void Fill(std::uint64_t left) const {
    const FileDescriptor file(::open(Ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    int error = ENOSPC;
    while (error == ENOSPC && std::chrono::steady_clock::now() < deadline) {
      const std::uint64_t free_bytes = *FreeBytes(fleet_.CoordinatorDir());
      if (free_bytes <= left) return;
      error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(free_bytes - left));
    }
    ASSERT_EQ(error, 0) << std::strerror(error);
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
  EXPECT_THAT(coordinator->output(), HasSubstr("5 updates (2 x round.goal + 1, and with"));
  EXPECT_THAT(coordinator->output(), HasSubstr("checkpoint.keep_last = 3"));
}

TEST_F(VolumeTest, AVolumeThatFillsUpPausesGrantsAndTheRunGoesOnWhenThereIsRoom) {
  if (!Mount("128m")) GTEST_SKIP() << "mounting is not permitted";
  fleet_.EnrollNew(kNames);
  const auto coordinator = fleet_.StartCoordinator();
  const std::vector<Fleet::Process> participants = fleet_.StartParticipants(kNames);
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
            Fleet::UndisturbedDigest(kJob, kNames));
}

/// Takes what is left of a volume, again and again while it lives: what the processes of a job free
/// meanwhile, too.
class Filler {
 public:
  explicit Filler(const std::string& ballast)
      : file_(::open(ballast.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
        thread_([this](const std::stop_token& stop) { Fill(stop); }) {}

 private:
  void Fill(const std::stop_token& stop) const {
    const std::string block(4096, 'x');
    while (!stop.stop_requested()) {
      while (::write(file_.get(), block.data(), block.size()) > 0) {
      }
      ::poll(nullptr, 0, 1);
    }
  }

  const FileDescriptor file_;
  const std::jthread thread_;
};

/// A volume that holds everything of a `muster run`.
class RunVolumeTest : public VolumeTest {
 protected:
  Fleet::Process StartRun(const std::vector<std::string>& sets = {}) const {
    std::vector<std::string> arguments = {
        "run",   fleet_.JobFile(),     "--state-dir", fleet_.CoordinatorDir(), "--format", "json",
        "--set", "run.participants=2", "--set",       "run.names=site"};
    for (const std::string& set : sets) arguments.insert(arguments.end(), {"--set", set});
    return std::make_unique<cli::Program>(arguments);
  }
  /// The process of the participants that were started first. REQUIRES: a version was committed.
  pid_t FirstParticipants() const {
    const auto run = cli::ReadRunState(cli::RunPaths{fleet_.CoordinatorDir()}.RunFile());
    EXPECT_TRUE(run && !run->processes.empty());
    return run && !run->processes.empty() ? run->processes.front().pid : 0;
  }
  static std::size_t CountOf(const std::vector<Json>& events, const std::string& kind) {
    return static_cast<std::size_t>(std::ranges::count_if(
        events, [&](const Json& event) { return event.value("event", "") == kind; }));
  }
  /// Fills the volume until the participants of the first process cannot write, and makes room
  /// after `run` said what it waits for.
  void FillAndEmpty(cli::Program& run);
};

void RunVolumeTest::FillAndEmpty(cli::Program& run) {
  ASSERT_FALSE(run.AwaitVersion(2).is_null()) << run.output() << run.errors();
  const pid_t participants = FirstParticipants();
  ASSERT_GT(participants, 0);
  ASSERT_NO_FATAL_FAILURE(Fill(0));
  // One that waits for its grant has nothing to write; its next start has.
  ::kill(participants, SIGKILL);
  std::optional<Filler> filler(Ballast());
  const Json full =
      run.Await([](const Json& event) { return event.value("event", "") == "disk_full"; });
  filler.reset();
  ASSERT_FALSE(full.is_null()) << run.output() << run.errors();
  EXPECT_EQ(full["reason"], "disk_full");
  EXPECT_THAT(full["message"].get<std::string>(), HasSubstr("waits"));
  std::filesystem::remove(Ballast());
}

TEST_F(RunVolumeTest, ARunWhoseParticipantsDoNotFitBesideTheStateIsRefusedWithItsNumbers) {
  if (!Mount("44m")) GTEST_SKIP() << "mounting is not permitted";
  const auto run = StartRun({"run.participants=40", "data.parts=40"});
  EXPECT_EQ(run->Wait(), 9);
  EXPECT_THAT(run->output(), HasSubstr("disk_full"));
  EXPECT_THAT(run->output(), HasSubstr("(run.participants = 40) for 1200000 each"));
  // Nobody was started.
  EXPECT_FALSE(std::filesystem::exists(fleet_.CoordinatorLog()));
}

TEST_F(RunVolumeTest, ARunWhoseVolumeFillsUpWaitsAndGoesOnByItself) {
  if (!Mount("128m")) GTEST_SKIP() << "mounting is not permitted";
  const auto run = StartRun();
  ASSERT_NO_FATAL_FAILURE(FillAndEmpty(*run));
  ExpectExit(*run, 0);
  EXPECT_EQ(CountOf(run->events(), "failed"), 0U);
  EXPECT_EQ(CountOf(run->events(), "lost"), 0U);
  EXPECT_EQ(VersionsOf(run->events()), EachVersionOnce(40));
}

/// More than the reserve is free, and less than the coordinator asks for at its next start.
TEST_F(RunVolumeTest, ACoordinatorThatWaitsForRoomSaysHowMuchItAsksFor) {
  if (!Mount("160m")) GTEST_SKIP() << "mounting is not permitted";
  const auto run = StartRun({"checkpoint.keep_last=40"});
  ASSERT_FALSE(run->AwaitVersion(2).is_null()) << run->output() << run->errors();
  const auto state = cli::ReadRunState(cli::RunPaths{fleet_.CoordinatorDir()}.RunFile());
  ASSERT_TRUE(state.has_value());
  ASSERT_NO_FATAL_FAILURE(Fill(cli::kRoomReserveBytes + (4U << 20)));
  ::kill(state->coordinator.pid, SIGKILL);
  const Json full =
      run->Await([](const Json& event) { return event.value("event", "") == "disk_full"; });
  ASSERT_FALSE(full.is_null()) << run->output() << run->errors();
  EXPECT_THAT(full["message"].get<std::string>(), HasSubstr("but it asks for"));
  EXPECT_THAT(full["message"].get<std::string>(), HasSubstr("checkpoint.keep_last = 40"));
  std::filesystem::remove(Ballast());
  ExpectExit(*run, 0);
  EXPECT_EQ(VersionsOf(run->events()), EachVersionOnce(40));
}

TEST_F(RunVolumeTest, SeveralParticipantsInAProcessWaitForRoomTogether) {
  if (!Mount("128m")) GTEST_SKIP() << "mounting is not permitted";
  const auto run = StartRun({"run.per_process=2"});
  ASSERT_NO_FATAL_FAILURE(FillAndEmpty(*run));
  ExpectExit(*run, 0);
  EXPECT_EQ(CountOf(run->events(), "lost"), 0U);
  EXPECT_EQ(VersionsOf(run->events()), EachVersionOnce(40));
}

}  // namespace
}  // namespace muster::process
