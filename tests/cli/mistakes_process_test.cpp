// What users and machines get wrong, and what the program says to it: at once, with its exit code.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/run_files.h"
#include "common/file.h"
#include "tests/cli/append_to.h"
#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

constexpr std::string_view kTinyJob = R"(
[job]
name = "tiny"
rounds = 2
[model]
kind = "synthetic"
parameters = 1000
[data]
source = "none"
parts = 2
[train]
duration_ms = 20
[round]
goal = 2
)";
/// Fewer descriptors than RocksDB alone may take.
constexpr rlim_t kFewFiles = 40;

class MistakesTest : public ::testing::Test {
 protected:
  void SetUp() override { AppendTo(directory_ / "tiny.toml", std::string(kTinyJob)); }

  Words Run(const std::string& state, const Words& more = {}) const {
    Words words = {"run", directory_ / "tiny.toml", "--state-dir", directory_ / state, "--format",
                   "json"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  Words Coordinator(const std::string& state, const Words& more = {}) const {
    Words words = Run(state, more);
    words[0] = "coordinator";
    return words;
  }

  Words Participant(const std::string& name, const Words& more = {}) const {
    Words words = {"participant",     "--name",   name,  "--state-dir",
                   directory_ / name, "--format", "json"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  /// Makes the key of a participant; returns the path of its public half.
  std::string MakeKey(const std::string& name) const {
    Program keygen({"keygen", "--state-dir", directory_ / name});
    EXPECT_EQ(keygen.Wait(), 0) << keygen.errors();
    return directory_ / name + "/participant.pub";
  }

  /// The participant's end or error; it ends by itself.
  static Json EndOf(Program& program, int code) {
    EXPECT_EQ(program.Wait(), code) << program.output() << program.errors();
    for (const Json& event : program.events()) EXPECT_NE(event.value("event", ""), "restart");
    return program.events().empty() ? Json::object() : program.events().back();
  }

  TempDir directory_;
};

void LimitFiles() {
  const rlimit few = {kFewFiles, kFewFiles};
  ::setrlimit(RLIMIT_NOFILE, &few);
}

void FullOutput() { ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO); }

TEST_F(MistakesTest, WrongInitialModelEndsTheRunAtOnce) {
  const std::string text = directory_ / "text.safetensors";  // Its first bytes are a huge length.
  AppendTo(text, "root:x:0:0:root:/root:/bin/bash\n");
  for (const std::string& file : {text, directory_.path(), directory_ / "none.safetensors"}) {
    Program run(Run("state", {"--set", "model.initial=" + file}));
    const Json failed = EndOf(run, 2);
    EXPECT_EQ(failed.value("event", ""), "failed") << failed;
    EXPECT_THAT(failed.value("message", ""), AllOf(HasSubstr("model.initial"), HasSubstr(file)));
  }
}

TEST_F(MistakesTest, TooFewFileDescriptorsAreSaidBeforeAnyStart) {
  const std::string key = MakeKey("site");
  const Words where = {"--connect",         "tcp://127.0.0.1:7", "--connect-bulk",
                       "tcp://127.0.0.1:8", "--server-key",      key};
  for (const Words& words : {Run("state"), Coordinator("alone"), Participant("site", where)}) {
    Program program(words, LimitFiles);
    const Json failed = EndOf(program, 2);
    EXPECT_THAT(failed.value("message", ""),
                AllOf(HasSubstr("file descriptors"), HasSubstr("is 40"), HasSubstr("ulimit -n")))
        << words[0];
  }
}

TEST_F(MistakesTest, SoftLimitOfFileDescriptorsIsRaised) {
  Program run(Run("state"), [] {
    rlimit limit = {};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = kFewFiles;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  });
  EXPECT_EQ(run.Wait(), 0) << run.output() << run.errors();
}

TEST_F(MistakesTest, AddressThatIsNoneIsRefusedAtOnce) {
  const std::string key = MakeKey("site");
  const std::string good = "tcp://127.0.0.1:7";
  for (const std::string bad : {"foo", "tcp://", "tcp://host", "tcp://host:x", "tcp://host:70000",
                                "tcp://host:0", "ipc:///tmp/x"}) {
    for (const bool bulk : {false, true}) {
      Program program(Participant("site", {"--connect", bulk ? good : bad, "--connect-bulk",
                                           bulk ? bad : good, "--server-key", key}));
      const Json failed = EndOf(program, 2);
      EXPECT_EQ(failed.value("reason", ""), "flag_invalid") << failed;
      EXPECT_THAT(failed.value("message", ""),
                  AllOf(HasSubstr(bulk ? "--connect-bulk " : "--connect "), HasSubstr(bad)));
    }
  }
}

TEST_F(MistakesTest, AddressOfAnotherMachineIsNotBoundAgainAndAgain) {
  Program run(Run("state", {"--set", "coordinator.listen=tcp://192.0.2.1:0"}));
  const Json failed = EndOf(run, 2);
  EXPECT_THAT(failed.value("message", ""),
              AllOf(HasSubstr("tcp://192.0.2.1:0"), HasSubstr("coordinator.listen")));
}

TEST_F(MistakesTest, OutputThatCannotBeWrittenIsAFailure) {
  for (const Words& words : {Words{"config"}, Words{"version"}, Words{"--help"},
                             Words{"data", "show", "--help"}, Words{"config", "--format", "json"},
                             Words{"keygen", "--state-dir", directory_ / "site"}, Run("state")}) {
    Program program(words, FullOutput);
    EXPECT_EQ(program.Wait(), 1) << words[0];
    EXPECT_THAT(program.errors(), AllOf(HasSubstr("standard output"), HasSubstr("No space left")))
        << words[0];
  }
}

TEST_F(MistakesTest, OptionBeforeItsCommandIsToldItsPlace) {
  Program top({"--format", "json", "status", "--state-dir", directory_ / "x"});
  EXPECT_EQ(top.Wait(), 2);
  ASSERT_EQ(top.events().size(), 1U) << top.output() << top.errors();
  EXPECT_THAT(top.events().back().value("message", ""),
              AllOf(HasSubstr("--format"), HasSubstr("`muster status --format ...`")));
  Program inner({"enroll", "--state-dir", "x", "ls"});
  EXPECT_EQ(inner.Wait(), 2);
  EXPECT_THAT(inner.errors(), HasSubstr("`muster enroll ls --state-dir ...`"));
}

// As an unset variable of a script gives it.
TEST_F(MistakesTest, EmptyWordsOfASimulationAreSaidToBeEmpty) {
  for (const std::string option : {"--seeds", "--replay"}) {
    Program simulate({"simulate", option, ""});
    EXPECT_EQ(simulate.Wait(), 2);
    EXPECT_THAT(simulate.errors(), HasSubstr("what --seeds or --replay says is empty"));
  }
}

TEST_F(MistakesTest, UnknownOptionIsNamedBeforeAnythingThatIsMissing) {
  Program alone({"run", "--bogus"});
  EXPECT_EQ(alone.Wait(), 2);
  EXPECT_THAT(alone.errors(), AllOf(HasSubstr("--bogus"), Not(HasSubstr("CONFIG"))));
  Program near({"status", "--state-dri", "x"});
  EXPECT_EQ(near.Wait(), 2);
  EXPECT_THAT(near.errors(), HasSubstr("did you mean `--state-dir`?"));
}

TEST_F(MistakesTest, NumberThatIsTooLargeIsSaidToBe) {
  const std::string state = directory_ / "none";
  const std::string large = "99999999999999999999";
  const Words commands[] = {
      {"checkpoints", "show", "--version", large, "--state-dir", state},
      {"data", "show", directory_ / "tiny.toml", "--rows", "4294967296"},
      Run("none", {"--set", "job.rounds=" + large}),
      Run("none", {"--set", "job.rounds=-" + large}),
  };
  for (const Words& words : commands) {
    Program program(words);
    EXPECT_EQ(program.Wait(), 2) << program.output();
    EXPECT_THAT(program.output() + program.errors(), HasSubstr("too large")) << words[0];
  }
  EXPECT_FALSE(std::filesystem::exists(state));
}

TEST_F(MistakesTest, DataWithoutAReplayIsRefused) {
  Program verify({"checkpoints", "verify", "--data-dir", directory_.path(), "--state-dir",
                  directory_ / "none", "--format", "json"});
  EXPECT_EQ(verify.Wait(), 2);
  ASSERT_EQ(verify.events().size(), 1U);
  EXPECT_EQ(verify.events()[0]["reason"], "flag_invalid") << verify.output();
  EXPECT_THAT(verify.output(), AllOf(HasSubstr("--data-dir"), HasSubstr("--replay")));
}

TEST_F(MistakesTest, OutputThatNoDirectoryTakesIsNoFaultOfTheDisk) {
  for (const std::string& output : {directory_ / "no/such/model", directory_.path()}) {
    Program exporting({"checkpoints", "export", "--state-dir", directory_ / "none", "--output",
                       output, "--format", "json"});
    EXPECT_EQ(exporting.Wait(), 2);
    ASSERT_EQ(exporting.events().size(), 1U);
    EXPECT_EQ(exporting.events()[0]["reason"], "flag_invalid") << exporting.output();
    EXPECT_THAT(exporting.output(), HasSubstr("--output " + output));
  }
}

TEST_F(MistakesTest, NothingThatWritesTakesAMirrorForAState) {
  const std::string mirror = directory_ / "mirror";
  std::filesystem::create_directory(mirror);
  const std::string key = MakeKey("site-1");
  Program run(Run("state", {"--set", "checkpoint.mirror=" + mirror}));
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  const Words commands[] = {
      Run("mirror"),
      Coordinator("mirror"),
      Coordinator("mirror", {"--accept-loss"}),
      {"checkpoints", "rollback", "--version", "1", "--state-dir", mirror, "--format", "json"},
      {"enroll", "add", "site-1", "--key", key, "--state-dir", mirror, "--format", "json"},
      {"enroll", "remove", "participant-00", "--state-dir", mirror, "--format", "json"},
  };
  for (const Words& words : commands) {
    Program program(words);
    EXPECT_EQ(program.Wait(), 2) << words[0] << program.output() << program.errors();
    ASSERT_EQ(program.events().size(), 1U) << words[0];
    EXPECT_EQ(program.events()[0]["reason"], "config_invalid") << program.output();
    EXPECT_THAT(program.output(), HasSubstr("muster checkpoints restore --from " + mirror));
  }
  Program verify({"checkpoints", "verify", "--state-dir", mirror});
  EXPECT_EQ(verify.Wait(), 0) << verify.errors();
  // What exists is not restored over.
  Program restore({"checkpoints", "restore", "--from", mirror, "--state-dir", directory_ / "state",
                   "--format", "json"});
  EXPECT_EQ(restore.Wait(), 2);
  EXPECT_THAT(restore.output(), HasSubstr("already_exists"));
}

TEST_F(MistakesTest, EnrollingSaysWhatItReplaces) {
  const std::string first = MakeKey("first");
  const std::string second = MakeKey("second");
  const std::string state = directory_ / "coordinator";
  const auto add = [&](const std::string& key, const Words& more = {}) {
    Words words = {"enroll", "add", "site", "--key", key, "--state-dir", state};
    words.insert(words.end(), more.begin(), more.end());
    Program program(words);
    EXPECT_EQ(program.Wait(), 0) << program.errors();
    return more.empty() ? program.output() : program.events().back().value("change", "");
  };
  EXPECT_EQ(add(first), "enrolled site, index 0\n");
  EXPECT_EQ(add(first), "enrolled already: site, index 0\n");
  EXPECT_EQ(add(second), "key replaced: site, index 0\n");
  EXPECT_EQ(add(first, {"--format", "json"}), "key_replaced");
  Program remove({"enroll", "remove", "site", "--state-dir", state});
  EXPECT_EQ(remove.Wait(), 0) << remove.errors();
  EXPECT_EQ(add(first), "enrolled again: site, index 0\n");
  Program again({"enroll", "remove", "site", "--state-dir", state});
  EXPECT_EQ(again.Wait(), 0) << again.errors();
  EXPECT_EQ(add(second), "enrolled again, key replaced: site, index 0\n");
}

TEST_F(MistakesTest, RunningCoordinatorSaysWhatEnrollingReplaces) {
  const std::string first = MakeKey("first");
  const std::string second = MakeKey("second");
  Program coordinator(Coordinator("state"));
  const auto started = [](const Json& event) { return event.value("event", "") == "started"; };
  ASSERT_FALSE(coordinator.Await(started).is_null()) << coordinator.errors();
  const auto change = [&](const std::string& key) {
    Program program({"enroll", "add", "site", "--key", key, "--state-dir", directory_ / "state",
                     "--format", "json"});
    EXPECT_EQ(program.Wait(), 0) << program.output();
    return program.events().back().value("change", "");
  };
  EXPECT_EQ(change(first), "enrolled");
  EXPECT_EQ(change(first), "none");
  EXPECT_EQ(change(second), "key_replaced");
}

TEST_F(MistakesTest, ExhaustedAttemptsGoOnOnceTheLimitIsRaised) {
  // Nobody of two can deliver in time: 1 s of work, 0.1 s to deliver it in.
  const Words hurry = {"--set", "train.duration_ms=1000", "--set", "round.deadline_s=0.1"};
  const auto with = [&](const Words& more) {
    Words words = Run("state", hurry);
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  for (int start = 0; start < 2; ++start) {
    Program given_up(with({"--set", "round.attempts_max=1"}));
    const Json failed = EndOf(given_up, 10);
    EXPECT_THAT(failed.value("message", ""),
                AllOf(HasSubstr("raise round.attempts_max"), HasSubstr("go on")));
  }
  Program raised(with({"--set", "round.attempts_max=100000", "--set", "round.deadline_s=60"}));
  EXPECT_EQ(raised.Wait(), 0) << raised.output() << raised.errors();
  EXPECT_EQ(raised.events().back().value("event", ""), "finished");
}

TEST_F(MistakesTest, DrainThatWaitsSaysForWhom) {
  Program run(Run("state", {"--set", "job.rounds=100000"}));
  ASSERT_FALSE(run.AwaitVersion(1).is_null()) << run.errors();
  const Result<RunState> processes = ReadRunState(directory_ / "state/run.json");
  ASSERT_TRUE(processes.has_value()) << processes.error().Text();
  const pid_t coordinator = processes->coordinator.pid;
  ::kill(coordinator, SIGSTOP);
  // As if the coordinator had been stopped in the middle of a line.
  const FileDescriptor log(
      ::open((directory_ / "state/metrics.jsonl").c_str(), O_RDWR | O_CLOEXEC));
  ::flock(log.get(), LOCK_EX | LOCK_NB);
  run.Signal(SIGTERM);
  const Json waiting =
      run.Await([](const Json& event) { return event.value("event", "") == "waiting"; });
  ::flock(log.get(), LOCK_UN);
  ::kill(coordinator, SIGCONT);
  ASSERT_FALSE(waiting.is_null()) << run.output();
  EXPECT_THAT(waiting.value("message", ""),
              AllOf(HasSubstr("coordinator"), HasSubstr(std::to_string(coordinator))));
  EXPECT_EQ(run.Wait(), 3) << run.errors();
}

}  // namespace
}  // namespace muster::cli
