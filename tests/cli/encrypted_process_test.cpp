// Encrypted states as users have them: made, killed, looked at, given another key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "cli/run_files.h"
#include "tests/cli/append_to.h"
#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr std::string_view kJob = R"(
[job]
name = "sealed"
rounds = 4
[model]
kind = "synthetic"
parameters = 50000
[data]
source = "none"
parts = 3
[train]
duration_ms = 40
[round]
goal = 3
)";

class EncryptedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AppendTo(directory_ / "job.toml", std::string(kJob));
    MakeKey("state.key", 'a');
    MakeKey("other.key", 'b');
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  }
  void MakeKey(const std::string& name, char digit) const {
    AppendTo(directory_ / name, std::string(64, digit) + "\n");
    std::filesystem::permissions(directory_ / name, std::filesystem::perms::owner_read |
                                                        std::filesystem::perms::owner_write);
  }
  std::vector<std::string> Run(const std::string& state, const std::string& key,
                               const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {
        "run", directory_ / "job.toml", "--state-dir", directory_ / state, "--format", "json"};
    if (!key.empty()) {
      arguments.insert(arguments.end(), {"--set", "checkpoint.key_file=" + (directory_ / key)});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::string DigestOf(const std::vector<std::string>& arguments) const {
    Program run(arguments);
    EXPECT_EQ(run.Wait(), 0) << run.output() << run.errors();
    return run.events().empty() ? "" : run.events().back().value("digest", "");
  }
  /// A command that looks at the state, with a key or without.
  std::vector<std::string> Looking(std::vector<std::string> words, const std::string& key) const {
    words.insert(words.end(), {"--state-dir", directory_ / "state", "--format", "json"});
    if (!key.empty()) words.insert(words.end(), {"--key-file", directory_ / key});
    return words;
  }
  std::vector<std::vector<std::string>> AllLooks() const {
    return {{"checkpoints", "ls"},
            {"checkpoints", "show"},
            {"checkpoints", "export", "--output", directory_ / "model.safetensors"},
            {"checkpoints", "verify"},
            {"enroll", "ls"},
            {"status"}};
  }
  static void ExpectRefused(const std::vector<std::string>& arguments, const std::string& reason) {
    Program program(arguments);
    EXPECT_EQ(program.Wait(), 2) << program.output() << program.errors();
    ASSERT_FALSE(program.events().empty()) << program.errors();
    EXPECT_EQ(program.events().back().value("reason", ""), reason) << program.events().back();
  }
  static void ExpectDone(const std::vector<std::string>& arguments) {
    Program program(arguments);
    EXPECT_EQ(program.Wait(), 0) << program.output() << program.errors();
  }
  /// Whether the text lies in any file of the database, the stage or the spool.
  bool LiesOnDisk(const std::string& state, const std::string& text) const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ / state)) {
      const std::string path = entry.path();
      const std::string below = path.substr((directory_ / state).size() + 1);
      if (!entry.is_regular_file() || !(below.starts_with("db/") || below.starts_with("stage/") ||
                                        below.starts_with("spool"))) {
        continue;
      }
      std::ifstream file(path, std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(file), {});
      if (bytes.find(text) != std::string::npos) return true;
    }
    return false;
  }

  TempDir directory_;
};

TEST_F(EncryptedTest, AKilledRunEndsWithTheDigestOfAPlainOneAndNothingLegible) {
  const std::string digest = DigestOf(Run("plain", ""));
  EXPECT_TRUE(LiesOnDisk("plain", "participant-00"));
  Program run(Run("state", "state.key"));
  run.AwaitVersion(2);
  const Result<RunState> processes = ReadRunState(directory_ / "state/run.json");
  ASSERT_TRUE(processes) << processes.error().Text();
  ::kill(processes->coordinator.pid, SIGKILL);
  EXPECT_EQ(run.Wait(), 0) << run.output() << run.errors();
  EXPECT_EQ(run.events().back().value("digest", ""), digest);
  EXPECT_FALSE(LiesOnDisk("state", "participant-00"));
  EXPECT_FALSE(LiesOnDisk("state", "sealed"));
  ExpectDone(Looking({"checkpoints", "verify", "--replay"}, "state.key"));
  // Finished: said again, which reads the state.
  EXPECT_EQ(DigestOf(Run("state", "state.key")), digest);
}

TEST_F(EncryptedTest, AllCommandsTakeTheKeyAndNoneGoesWithout) {
  DigestOf(Run("state", "state.key"));
  for (const std::vector<std::string>& look : AllLooks()) {
    SCOPED_TRACE(look.back());
    ExpectDone(Looking(look, "state.key"));
    ExpectRefused(Looking(look, ""), "state_key_missing");
    ExpectRefused(Looking(look, "other.key"), "wrong_state_key");
  }
  ExpectRefused(Run("state", ""), "state_key_missing");
  ExpectRefused(Run("state", "other.key"), "wrong_state_key");
  ASSERT_EQ(::setenv("MUSTER_STATE_KEY", std::string(64, 'a').c_str(), 1), 0);
  for (const std::vector<std::string>& look : AllLooks()) ExpectDone(Looking(look, ""));
  ExpectDone(Run("state", ""));
  ::unsetenv("MUSTER_STATE_KEY");
}

TEST_F(EncryptedTest, AVariableThatIsEmptyMakesNoPlainState) {
  ASSERT_EQ(::setenv("MUSTER_STATE_KEY", "", 1), 0);
  ExpectRefused(Run("state", ""), "file_malformed");
  ::unsetenv("MUSTER_STATE_KEY");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "state/db"));
}

TEST_F(EncryptedTest, AKeyThatOthersCanReadOrThatIsNoneIsRefused) {
  AppendTo(directory_ / "open.key", std::string(64, 'a') + "\n");
  std::filesystem::permissions(directory_ / "open.key", std::filesystem::perms(0640));
  ExpectRefused(Run("state", "open.key"), "config_invalid");
  AppendTo(directory_ / "short.key", std::string(63, 'a') + "\n");
  std::filesystem::permissions(directory_ / "short.key", std::filesystem::perms(0600));
  ExpectRefused(Run("state", "short.key"), "file_malformed");
  ExpectRefused(Run("state", "nowhere.key"), "not_found");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "state/db"));
}

TEST_F(EncryptedTest, APlainStateStaysOne) {
  DigestOf(Run("state", ""));
  ExpectRefused(Run("state", "state.key"), "state_not_encrypted");
  for (const std::vector<std::string>& look : AllLooks()) {
    ExpectRefused(Looking(look, "state.key"), "state_not_encrypted");
  }
}

TEST_F(EncryptedTest, RekeyLetsTheNewKeyInAndTheOldOneOut) {
  DigestOf(Run("state", "state.key"));
  const std::vector<std::string> rekey = {"checkpoints", "rekey", "--new-key-file",
                                          directory_ / "other.key"};
  ExpectRefused(Looking(rekey, "other.key"), "wrong_state_key");
  ExpectDone(Looking(rekey, "state.key"));
  ExpectRefused(Looking({"checkpoints", "ls"}, "state.key"), "wrong_state_key");
  ExpectDone(Looking({"checkpoints", "verify"}, "other.key"));
  DigestOf(Run("state", "other.key", {"--set", "job.rounds=6"}));
  ExpectDone(Looking({"checkpoints", "verify", "--replay"}, "other.key"));
}

TEST_F(EncryptedTest, AMirrorIsEncryptedUnderTheSameKeyAndRestoredUnderKeysOfItsOwn) {
  const std::string mirror = directory_ / "mirror";
  std::filesystem::create_directory(mirror);
  const std::vector<std::string> mirrored = {"--set", "checkpoint.mirror=" + mirror};
  DigestOf(Run("lost", "state.key", mirrored));
  EXPECT_FALSE(LiesOnDisk("mirror", "participant-00"));
  std::filesystem::remove_all(directory_ / "lost");
  const std::vector<std::string> restore = {"checkpoints", "restore", "--from", mirror};
  ExpectRefused(Looking(restore, ""), "state_key_missing");
  ExpectRefused(Looking(restore, "other.key"), "wrong_state_key");
  ExpectDone(Looking(restore, "state.key"));
  EXPECT_FALSE(LiesOnDisk("state", "participant-00"));
  ExpectDone(Looking({"checkpoints", "verify"}, "state.key"));
  // The mirror has keys of its own: that of the state alone is changed.
  ExpectDone(
      Looking({"checkpoints", "rekey", "--new-key-file", directory_ / "other.key"}, "state.key"));
  ExpectDone({"checkpoints", "ls", "--state-dir", mirror, "--key-file", directory_ / "state.key"});
  ExpectRefused(Run("state", "other.key", mirrored), "wrong_state_key");
  ExpectDone({"checkpoints", "rekey", "--state-dir", mirror, "--key-file", directory_ / "state.key",
              "--new-key-file", directory_ / "other.key"});
}

TEST_F(EncryptedTest, EnrollingMakesAnEncryptedStateIfItIsGivenAKey) {
  ExpectDone({"keygen", "--state-dir", directory_ / "site-1"});
  ExpectDone(Looking({"enroll", "add", "site-1", "--key", directory_ / "site-1/participant.pub"},
                     "state.key"));
  EXPECT_FALSE(LiesOnDisk("state", "site-1"));
  ExpectRefused(Looking({"enroll", "ls"}, ""), "state_key_missing");
  ExpectDone(Looking({"enroll", "remove", "site-1"}, "state.key"));
}

}  // namespace
}  // namespace muster::cli
