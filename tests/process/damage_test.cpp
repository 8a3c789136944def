// Damage and the ways back with the real program: what is said, what goes on, what is never done
// unasked.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "checkpoint/mirror_files.h"
#include "tests/process/fleet.h"
#include "tests/process/small_job.h"

namespace muster::process {
namespace {

namespace fs = std::filesystem;
using cli::Program;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> kNames = SiteNames(3);

/// More than go by until a test that saw a version has stopped somebody, on a busy machine too; and
/// all of them are kept.
constexpr int kRounds = 20;
const std::string kJob =
    SmallJob{.name = "damage",
             .rounds = kRounds,
             .parameters = 50'000,
             .more = "[coordinator]\ngoodbye_s = 2\n[checkpoint]\nkeep_last = 30\n"}
        .Text();

void Flip(const std::string& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 4));
  ASSERT_TRUE(file.flush()) << path;
}

/// The files of versions' chunks, in the order in which they were written.
std::vector<std::string> VersionFiles(const std::string& state_dir) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(state_dir + "/db")) {
    if (entry.path().extension() == ".sst" && entry.file_size() > 150'000) {
      files[entry.path().filename()] = entry.path();
    }
  }
  std::vector<std::string> paths;
  for (const auto& [name, path] : files) paths.push_back(path);
  return paths;
}

/// Names and bytes of all plain files in a directory and below.
std::map<std::string, std::string> ImageOf(const std::string& directory) {
  std::map<std::string, std::string> image;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    image[entry.path()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return image;
}

Json LastOf(const Program& program) {
  return program.events().empty() ? Json() : program.events().back();
}

class DamageTest : public ::testing::Test {
 protected:
  DamageTest() : fleet_{kJob} { fleet_.EnrollNew(kNames); }

  std::vector<Fleet::Process> StartSites() const { return fleet_.StartParticipants(kNames); }
  std::vector<std::string> Coordinator(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"coordinator",           fleet_.JobFile(), "--state-dir",
                                          fleet_.CoordinatorDir(), "--format",       "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  /// Runs to its end; returns what it printed.
  std::string Command(const std::vector<std::string>& arguments, int code) const {
    Program program(arguments);
    EXPECT_EQ(program.Wait(), code) << program.output() << program.errors();
    return program.output() + program.errors();
  }
  std::string Checkpoints(const std::string& what, int code) const {
    return Command({"checkpoints", what, "--state-dir", fleet_.CoordinatorDir()}, code);
  }

  const Fleet fleet_;
};

TEST_F(DamageTest, AcceptedLossGoesOnInANewLineageThatParticipantsFollow) {
  auto coordinator = fleet_.StartCoordinator();
  const std::vector<Fleet::Process> sites = StartSites();
  ASSERT_FALSE(coordinator->AwaitVersion(3).is_null());
  coordinator->Signal(SIGTERM);  // Head is stored when it is gone.
  ExpectExit(*coordinator, 3);
  Flip(VersionFiles(fleet_.CoordinatorDir()).back(), 90'000);

  for (int start = 0; start < 2; ++start) {
    const auto damaged = fleet_.StartCoordinator();
    ExpectExit(*damaged, 5);
    const std::string words = LastOf(*damaged).value("message", "");
    EXPECT_THAT(words, HasSubstr(".sst"));
    EXPECT_THAT(words, HasSubstr("is good; --accept-loss goes on from it in lineage 2"));
    EXPECT_THAT(words, HasSubstr("loses 1 version"));
    EXPECT_THAT(words, HasSubstr("muster checkpoints restore"));
  }
  for (const char* look : {"verify", "ls", "show"}) {
    EXPECT_THAT(Checkpoints(look, 5), HasSubstr("--accept-loss goes on"));
  }

  Program accepting(Coordinator({"--accept-loss"}));
  ExpectExit(accepting, 0);
  EXPECT_THAT(accepting.errors(), HasSubstr("accepted the loss: "));
  for (const Fleet::Process& site : sites) ExpectExit(*site, 0);
  EXPECT_THAT(Checkpoints("verify", 0), HasSubstr("all is as it was written"));
  EXPECT_THAT(Checkpoints("ls", 0), HasSubstr("copy of"));
  const std::vector<Json> events = fleet_.Events();
  EXPECT_EQ(LastEvent(events, "loss_accepted")["lineage"], 2);
  const Json finished = LastEvent(events, "finished");
  EXPECT_EQ(finished["reproducible"], false) << finished;
  EXPECT_EQ(finished["causes"][0]["cause"], "lineage_forked") << finished;
  EXPECT_EQ(VersionsOf(events), EachVersionOnce(kRounds));
}

TEST_F(DamageTest, WithoutDamageAcceptLossSaysSoAndChangesNothing) {
  auto coordinator = fleet_.StartCoordinator();
  const std::vector<Fleet::Process> sites = StartSites();
  ASSERT_FALSE(coordinator->AwaitVersion(2).is_null());
  coordinator->Signal(SIGKILL);
  ExpectExit(*coordinator, -SIGKILL);
  Program accepting(Coordinator({"--accept-loss"}));
  ExpectExit(accepting, 0);
  EXPECT_THAT(accepting.errors(), HasSubstr("nothing is damaged and nothing was lost"));
  for (const Fleet::Process& site : sites) ExpectExit(*site, 0);
  const Json finished = LastEvent(fleet_.Events(), "finished");
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_EQ(finished["digest"], Fleet::UndisturbedDigest(kJob, kNames));
}

TEST_F(DamageTest, NumbersThatTheMirrorWasToldOfAreNotUsedAgain) {
  auto coordinator = fleet_.StartCoordinator();
  std::vector<Fleet::Process> sites = StartSites();
  ASSERT_FALSE(coordinator->AwaitVersion(3).is_null());
  coordinator->Signal(SIGTERM);
  ExpectExit(*coordinator, 3);
  for (const Fleet::Process& site : sites) site->Signal(SIGKILL);
  Flip(VersionFiles(fleet_.CoordinatorDir()).back(), 90'000);
  fs::remove(fleet_.CoordinatorDir() + "/metrics.jsonl");
  const std::string mirror = fleet_.DirOf("mirror");
  fs::create_directories(mirror);
  ASSERT_TRUE(NoteAnnounced(mirror, {.version = kRounds + 3, .lineage = 1}));
  const std::string set = "checkpoint.mirror=" + mirror;

  Program damaged(Coordinator({"--set", set}));
  ExpectExit(damaged, 5);
  EXPECT_THAT(LastOf(damaged).value("message", ""), HasSubstr(fmt::format(" to {})", kRounds + 3)));
  Program accepting(Coordinator({"--accept-loss", "--set", set}));
  ExpectExit(accepting, 0);
  EXPECT_THAT(accepting.errors(),
              HasSubstr(fmt::format("version {} has the content of version", kRounds + 4)));
}

TEST_F(DamageTest, AFormatThatIsLostBeforeTheFirstStartIsWrittenAgain) {
  fs::remove(fleet_.CoordinatorDir() + "/FORMAT");
  const auto damaged = fleet_.StartCoordinator();
  ExpectExit(*damaged, 5);
  EXPECT_THAT(LastOf(*damaged).value("message", ""),
              HasSubstr("--accept-loss mends the directory, and goes on"));
  Program accepting(Coordinator({"--accept-loss"}));
  const std::vector<Fleet::Process> sites = StartSites();
  ExpectExit(accepting, 0);
  for (const Fleet::Process& site : sites) ExpectExit(*site, 0);
  const Json finished = LastEvent(fleet_.Events(), "finished");
  EXPECT_EQ(finished["reproducible"], true) << finished;
}

TEST_F(DamageTest, VerifyChangesNoByte) {
  auto coordinator = fleet_.StartCoordinator();
  const std::vector<Fleet::Process> sites = StartSites();
  ASSERT_FALSE(coordinator->AwaitVersion(2).is_null());
  sites[0]->Signal(SIGSTOP);  // No round ends without it: the coordinator is there until it dies.
  EXPECT_THAT(Checkpoints("verify", 0), HasSubstr("a coordinator is at work"));
  coordinator->Signal(SIGKILL);
  ExpectExit(*coordinator, -SIGKILL);
  const auto before = ImageOf(fleet_.CoordinatorDir());
  Checkpoints("verify", 0);
  EXPECT_EQ(ImageOf(fleet_.CoordinatorDir()), before);
  for (const Fleet::Process& site : sites) site->Signal(SIGKILL);
}

TEST_F(DamageTest, ARollbackIsANewVersionThatTheRunGoesOnFrom) {
  auto coordinator = fleet_.StartCoordinator();
  std::vector<Fleet::Process> sites = StartSites();
  ASSERT_FALSE(coordinator->AwaitVersion(2).is_null());
  const std::vector<std::string> back = {"checkpoints", "rollback",    "--version",
                                         "1",           "--state-dir", fleet_.CoordinatorDir()};
  sites[0]->Signal(SIGSTOP);  // As above.
  EXPECT_THAT(Command(back, 4), HasSubstr("stop it first"));
  coordinator->Signal(SIGKILL);
  ExpectExit(*coordinator, -SIGKILL);
  const std::string said = Command(back, 0);
  EXPECT_THAT(said, HasSubstr("has the content of version 1"));
  EXPECT_THAT(said, HasSubstr("job.rounds counts version"));
  sites[0]->Signal(SIGCONT);
  coordinator = fleet_.StartCoordinator();
  ExpectExit(*coordinator, 0);
  for (const Fleet::Process& site : sites) ExpectExit(*site, 0);
  const Json finished = LastEvent(fleet_.Events(), "finished");
  EXPECT_EQ(finished["reproducible"], false) << finished;
  EXPECT_THAT(
      Command({"checkpoints", "verify", "--replay", "--state-dir", fleet_.CoordinatorDir()}, 0),
      HasSubstr("same digests"));
}

class SupervisedDamageTest : public DamageTest, public ::testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(Encrypted, SupervisedDamageTest, ::testing::Bool());

TEST_P(SupervisedDamageTest, NoDamagedCoordinatorIsStartedAgain) {
  const std::string state = fleet_.DirOf("run");
  const std::string key = fleet_.DirOf("state.key");
  std::ofstream(key) << std::string(64, '7') << "\n";
  fs::permissions(key, fs::perms::owner_read | fs::perms::owner_write);
  std::vector<std::string> run = {"run", fleet_.JobFile(), "--state-dir",
                                  state, "--format",       "json"};
  std::vector<std::string> verify = {"checkpoints", "verify", "--state-dir", state};
  if (GetParam()) {
    run.insert(run.end(), {"--set", "checkpoint.key_file=" + key});
    verify.insert(verify.end(), {"--key-file", key});
  }
  Command(run, 0);
  const std::vector<std::string> files = VersionFiles(state);
  Flip(files.back(), 90'000);
  run.insert(run.end(), {"--set", "job.rounds=" + std::to_string(kRounds + 2)});
  Program damaged(run);
  ExpectExit(damaged, 5);
  EXPECT_THAT(damaged.output(), Not(HasSubstr("\"restart\"")));
  EXPECT_THAT(damaged.output(), HasSubstr("--accept-loss goes on from it in lineage 2"));
  run.push_back("--accept-loss");
  Program accepting(run);
  ExpectExit(accepting, 0);
  EXPECT_THAT(accepting.errors(), HasSubstr("accepted the loss: "));
  EXPECT_EQ(LastOf(accepting)["event"], "finished");
  EXPECT_EQ(LastOf(accepting)["version"], kRounds + 2);
  EXPECT_THAT(Command(verify, 0), HasSubstr("all is as"));
}

}  // namespace
}  // namespace muster::process
