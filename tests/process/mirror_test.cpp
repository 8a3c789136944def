// The mirror and what is restored from it, by real processes of the real program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "cli/run_files.h"
#include "tests/cli/append_to.h"
#include "tests/process/fleet.h"

namespace muster::process {
namespace {

using cli::Program;
using ::testing::HasSubstr;

constexpr std::uint64_t kRounds = 30;
const std::vector<std::string> kNames = {"site-0", "site-1", "site-2"};
constexpr std::string_view kJob = R"(
[job]
name = "mirrored"
rounds = 30
[model]
kind = "synthetic"
parameters = 40000
[data]
source = "none"
parts = 3
[train]
duration_ms = 40
[round]
goal = 3
[checkpoint]
keep_last = 3
)";

class MirrorProcessTest : public ::testing::Test {
 protected:
  MirrorProcessTest() : fleet_(std::string(kJob)) {
    std::filesystem::create_directories(MirrorDir());
    fleet_.EnrollNew(kNames);
  }
  std::string MirrorDir() const { return directory_ / "mirror"; }
  Fleet::Process StartCoordinator() const {
    return fleet_.StartCoordinator({"checkpoint.mirror=" + MirrorDir()});
  }
  void StartParticipants() {
    for (const std::string& name : kNames) {
      participants_.push_back(fleet_.StartParticipant(name));
    }
  }
  /// Exit code, output and errors of one command.
  struct Ran {
    int code;
    std::string output, errors;
    Json last;
  };
  static Ran Run(const std::vector<std::string>& arguments) {
    Program program(arguments);
    const int code = program.Wait();
    return {code, program.output(), program.errors(),
            program.events().empty() ? Json() : program.events().back()};
  }
  Ran Restore(const std::string& format) const {
    return Run({"checkpoints", "restore", "--from", MirrorDir(), "--state-dir",
                fleet_.CoordinatorDir(), "--format", format});
  }
  static void ExpectVerified(const std::string& state_dir) {
    const Ran verified = Run({"checkpoints", "verify", "--state-dir", state_dir});
    EXPECT_EQ(verified.code, 0) << verified.errors;
  }
  static std::uint64_t VersionIn(const Json& mirror) {
    return mirror.is_object() && mirror["version"].is_number() ? mirror["version"].get<int>() : 0;
  }

  Fleet fleet_;
  TempDir directory_;
  std::vector<Fleet::Process> participants_;
};

TEST_F(MirrorProcessTest, ALostStateGoesOnFromItsMirror) {
  auto coordinator = StartCoordinator();
  StartParticipants();
  ASSERT_FALSE(coordinator->AwaitVersion(5).is_null()) << coordinator->errors();
  participants_[0]->Signal(SIGSTOP);  // No round ends without it, until it is killed.
  fleet_.AwaitStatus([](const Json& status) { return VersionIn(status["mirror"]) >= 4; });
  coordinator->Signal(SIGKILL);
  coordinator->Wait();
  participants_[0]->Signal(SIGKILL);
  participants_[0]->Wait();
  std::filesystem::remove_all(fleet_.CoordinatorDir());

  const Ran restored = Restore("json");
  ASSERT_EQ(restored.code, 0) << restored.errors;
  EXPECT_EQ(restored.last["lineage"], 1'000) << "a gap for lineages it never heard of";
  EXPECT_GE(restored.last["source"], 4);
  EXPECT_GE(restored.last["version"], restored.last["announced"].get<int>() + 1);
  const std::string key = fleet_.CoordinatorDir() + "/coordinator.key";
  EXPECT_EQ(std::filesystem::status(key).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  ExpectVerified(fleet_.CoordinatorDir());

  // Two participants live and have seen versions that are lost, the third comes back.
  coordinator = StartCoordinator();
  participants_[0] = fleet_.StartParticipant(kNames[0]);
  ExpectExit(*coordinator, 0);
  for (const auto& participant : participants_) ExpectExit(*participant, 0);
  const Json finished = LastEvent(fleet_.Events(), "finished");
  EXPECT_EQ(finished["version"], kRounds);
  EXPECT_EQ(finished["reproducible"], false);
  EXPECT_EQ(finished["causes"][0]["cause"], "lineage_forked") << finished;
  EXPECT_EQ(finished["mirror"]["version"], kRounds);
  EXPECT_EQ(finished["mirror"]["behind"], 0);
  ExpectVerified(fleet_.CoordinatorDir());
  ExpectVerified(MirrorDir());
}

TEST_F(MirrorProcessTest, AMirrorThatIsNotThereIsToldOfAndCaughtUpLater) {
  std::filesystem::remove(MirrorDir());
  const auto coordinator = StartCoordinator();
  StartParticipants();
  const Json failing =
      coordinator->Await([](const Json& event) { return event.value("event", "") == "mirror"; });
  EXPECT_EQ(failing["state"], "failing");
  EXPECT_EQ(failing["reason"], "not_found");
  ASSERT_FALSE(coordinator->AwaitVersion(1).is_null()) << "rounds do not wait for it";
  participants_[0]->Signal(SIGSTOP);  // The job shall not end while the test looks.
  const Json status = fleet_.Status();
  EXPECT_EQ(status["mirror"]["reason"], "not_found");
  EXPECT_GE(status["mirror"]["failures"], 1);
  EXPECT_THAT(Run({"status", "--state-dir", fleet_.CoordinatorDir()}).output,
              HasSubstr("is not there: mount its volume"));
  std::filesystem::create_directories(MirrorDir());
  participants_[0]->Signal(SIGCONT);
  ExpectExit(*coordinator, 0);
  for (const auto& participant : participants_) ExpectExit(*participant, 0);
  const Json finished = LastEvent(fleet_.Events(), "finished");
  EXPECT_EQ(finished["mirror"]["behind"], 0) << finished;
  ExpectVerified(MirrorDir());
}

TEST_F(MirrorProcessTest, AMirrorOfAnotherRunEndsTheStartAndStaysAsItIs) {
  auto coordinator = StartCoordinator();
  StartParticipants();
  ExpectExit(*coordinator, 0);
  const Fleet other{std::string(kJob)};
  other.EnrollNew(kNames);
  const auto first = other.StartCoordinator();
  other.AwaitStatus([](const Json& status) { return status.contains("phase"); });
  first->Signal(SIGTERM);
  ExpectExit(*first, 3);
  const auto refused = other.StartCoordinator({"checkpoint.mirror=" + MirrorDir()});
  EXPECT_EQ(refused->Wait(), 11);
  EXPECT_THAT(refused->output(), HasSubstr("another run of this job"));
  ExpectVerified(MirrorDir());
}

TEST_F(MirrorProcessTest, AStartWithoutAStateBesideAMirrorThatHoldsOneMakesNothing) {
  const auto coordinator = StartCoordinator();
  StartParticipants();
  ExpectExit(*coordinator, 0);
  std::filesystem::remove_all(fleet_.CoordinatorDir());
  const std::string advice = "muster checkpoints restore --from " + MirrorDir() + " --state-dir ";
  const auto lost = StartCoordinator();
  EXPECT_EQ(lost->Wait(), 11);
  EXPECT_THAT(lost->output(), HasSubstr(advice + fleet_.CoordinatorDir()));
  EXPECT_FALSE(std::filesystem::exists(fleet_.CoordinatorDir()));

  const std::string state = directory_ / "run";
  const Ran run = Run(
      {"run", fleet_.JobFile(), "--state-dir", state, "--set", "checkpoint.mirror=" + MirrorDir()});
  EXPECT_EQ(run.code, 11) << run.errors;
  EXPECT_THAT(run.errors, HasSubstr(advice + state));
  EXPECT_FALSE(std::filesystem::exists(state + "/db"));
  EXPECT_FALSE(std::filesystem::exists(state + "/participants"));

  // Enrolled again, as by a script that sets the whole job up.
  const Fleet other{std::string(kJob)};
  other.EnrollNew(kNames);
  const auto enrolled = other.StartCoordinator({"checkpoint.mirror=" + MirrorDir()});
  EXPECT_EQ(enrolled->Wait(), 11);
  EXPECT_THAT(enrolled->output(), HasSubstr("mirror_ahead"));
  EXPECT_FALSE(std::filesystem::exists(other.CoordinatorDir() + "/coordinator.key"));
  ExpectVerified(MirrorDir());
}

TEST_F(MirrorProcessTest, ARestoreSaysWhichVersionIsDamagedAndGoesOnFromTheNewestWholeOne) {
  const auto coordinator = StartCoordinator();
  StartParticipants();
  ExpectExit(*coordinator, 0);
  std::filesystem::remove_all(fleet_.CoordinatorDir());
  std::vector<std::string> versions;  // A file each, of 160 kB.
  for (const auto& entry : std::filesystem::directory_iterator(MirrorDir() + "/db")) {
    if (entry.path().extension() == ".sst" && entry.file_size() > 150'000) {
      versions.push_back(entry.path());
    }
  }
  ASSERT_EQ(versions.size(), 3U);
  std::set<std::uint64_t> damaged;
  for (const std::string& path : versions) {
    const std::string whole = directory_ / "whole";
    std::filesystem::copy_file(path, whole, std::filesystem::copy_options::overwrite_existing);
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(80'000);
    file.write("damage", 6);
    file.close();
    const Ran restored = Restore("json");
    ASSERT_EQ(restored.code, 0) << restored.errors;
    ASSERT_EQ(restored.last["damaged"].size(), 1U) << restored.last;
    const std::uint64_t version = restored.last["damaged"][0]["version"];
    damaged.insert(version);
    const bool newest = version == kRounds;
    EXPECT_EQ(restored.last["source"], newest ? kRounds - 1 : kRounds);
    EXPECT_EQ(restored.last["version"], kRounds + 1) << "no number is used again";
    EXPECT_EQ(restored.last["held"], 2);
    ExpectVerified(fleet_.CoordinatorDir());
    std::filesystem::remove_all(fleet_.CoordinatorDir());
    const std::string text = Restore("text").output;
    EXPECT_THAT(text, HasSubstr("version " + std::to_string(version) +
                                " is damaged in the mirror and left out"));
    EXPECT_EQ(text.find("name an empty directory") != std::string::npos, newest) << text;
    std::filesystem::remove_all(fleet_.CoordinatorDir());
    std::filesystem::copy_file(whole, path, std::filesystem::copy_options::overwrite_existing);
  }
  EXPECT_EQ(damaged, (std::set<std::uint64_t>{kRounds - 2, kRounds - 1, kRounds}));
  std::filesystem::remove(MirrorDir() + "/FORMAT");
  const Ran restored = Restore("json");
  ASSERT_EQ(restored.code, 0) << restored.errors;
  EXPECT_EQ(restored.last["damaged"].size(), 0U);
  EXPECT_EQ(restored.last["damage"].size(), 1U) << restored.last;
}

/// Its participants' directories lie in the state directory: they are lost with it.
TEST_F(MirrorProcessTest, ARunThatLostItsDirectoryGoesOnFromTheMirror) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const std::string state = directory_ / "run";
  cli::AppendTo(directory_ / "job.toml", std::string(kJob));
  const std::vector<std::string> arguments = {
      "run",   directory_ / "job.toml",           "--state-dir", state, "--format", "json",
      "--set", "checkpoint.mirror=" + MirrorDir()};
  Program run(arguments);
  ASSERT_FALSE(run.AwaitVersion(5).is_null()) << run.errors();
  const auto processes = cli::ReadRunState(state + "/run.json");
  ASSERT_TRUE(processes.has_value());
  run.Signal(SIGKILL);
  run.Wait();
  EXPECT_TRUE(cli::AwaitEnd(processes->coordinator.pid));
  for (const auto& process : processes->processes) EXPECT_TRUE(cli::AwaitEnd(process.pid));
  std::filesystem::remove_all(state);

  const Ran restored = Run(
      {"checkpoints", "restore", "--from", MirrorDir(), "--state-dir", state, "--format", "json"});
  ASSERT_EQ(restored.code, 0) << restored.errors;
  Program again(arguments);
  EXPECT_EQ(again.Wait(), 0) << again.errors();
  const Json finished = LastEvent(again.events(), "finished");
  EXPECT_EQ(finished["version"], kRounds);
  EXPECT_EQ(finished["mirror"]["behind"], 0);
  ExpectVerified(state);
  ExpectVerified(MirrorDir());
}

TEST_F(MirrorProcessTest, ARestoreOverwritesNoStateAndNeedsAMirror) {
  const auto first = StartCoordinator();
  StartParticipants();
  ExpectExit(*first, 0);
  EXPECT_EQ(Restore("text").code, 2);
  EXPECT_THAT(Restore("text").errors, HasSubstr("Move the state away"));
  const Ran none = Run({"checkpoints", "restore", "--from", directory_ / "nowhere", "--state-dir",
                        directory_ / "restored"});
  EXPECT_EQ(none.code, 2) << none.errors;
  EXPECT_FALSE(std::filesystem::exists(directory_ / "nowhere"));
  std::filesystem::create_directories(fleet_.CoordinatorDir() + "/restoring");
  const auto coordinator = StartCoordinator();
  EXPECT_EQ(coordinator->Wait(), 2);
  EXPECT_THAT(coordinator->output(), HasSubstr("restore_unfinished"));
}

TEST_F(MirrorProcessTest, OldVersionsAreRemovedAndTheirRecordsStay) {
  const auto coordinator = StartCoordinator();
  StartParticipants();
  ExpectExit(*coordinator, 0);
  const Ran listed =
      Run({"checkpoints", "ls", "--state-dir", fleet_.CoordinatorDir(), "--format", "json"});
  EXPECT_EQ(listed.code, 0);
  std::vector<std::uint64_t> held;
  std::uint64_t lines = 0;
  std::istringstream text(listed.output);
  for (std::string line; std::getline(text, line); ++lines) {
    const Json version = Json::parse(line);
    if (version["held"] == true) held.push_back(version["version"]);
  }
  EXPECT_EQ(lines, kRounds + 1);
  EXPECT_EQ(held, (std::vector<std::uint64_t>{kRounds - 2, kRounds - 1, kRounds}));
  const Ran replayed = Run({"checkpoints", "verify", "--replay", "--state-dir",
                            fleet_.CoordinatorDir(), "--format", "json"});
  EXPECT_EQ(replayed.code, 0) << replayed.errors;
  EXPECT_EQ(replayed.last["replayed"]["from"], kRounds - 2);
}

}  // namespace
}  // namespace muster::process
