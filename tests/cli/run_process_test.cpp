// `muster run` as users run it: real processes, real sockets, a real store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "cli/run_files.h"
#include "tests/cli/append_to.h"
#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

constexpr std::string_view kTinyJob = R"(
[job]
name = "tiny"
rounds = 5
[model]
kind = "synthetic"
parameters = 1000
[data]
source = "none"
parts = 3
[train]
duration_ms = 60
[round]
goal = 3
)";

class RunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AppendTo(directory_ / "tiny.toml", std::string(kTinyJob));
    // Orphans of a killed supervisor become children of this process, which can then see them end.
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  }

  std::vector<std::string> Arguments(const std::string& state,
                                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {
        "run", directory_ / "tiny.toml", "--state-dir", directory_ / state, "--format", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  /// --set job.rounds.
  static std::vector<std::string> Rounds(std::uint64_t rounds) {
    return {"--set", "job.rounds=" + std::to_string(rounds)};
  }
  /// So many that the run is still at work when the test comes to stop it or to look at it, however
  /// busy the machine is. What follows counts from where it was stopped.
  static std::vector<std::string> Endless() { return Rounds(100'000); }
  /// Stops the run after a few versions; returns the last one.
  static std::uint64_t Drain(Program& run) {
    EXPECT_FALSE(run.AwaitVersion(2).is_null()) << run.errors();
    run.Signal(SIGTERM);
    EXPECT_EQ(run.Wait(), 3) << run.output() << run.errors();
    const std::vector<std::uint64_t> versions = VersionsOf(run.events());
    return versions.empty() ? 0 : versions.back();
  }
  static std::vector<std::uint64_t> VersionsTo(std::uint64_t last) {
    std::vector<std::uint64_t> versions(last);
    std::iota(versions.begin(), versions.end(), 1);
    return versions;
  }

  /// The digest of an undisturbed run.
  std::string QuietDigest(const std::vector<std::string>& more = {}) {
    Program run(Arguments("quiet", more));
    EXPECT_EQ(run.Wait(), 0) << run.errors();
    return run.events().empty() ? "" : run.events().back().value("digest", "");
  }

  RunState Processes(const std::string& state) const {
    const Result<RunState> run = ReadRunState(directory_ / state + "/run.json");
    EXPECT_TRUE(run.has_value()) << run.error().Text();
    return run.value_or(RunState());
  }

  static std::vector<std::uint64_t> VersionsOf(const std::vector<Json>& events) {
    std::vector<std::uint64_t> versions;
    for (const Json& event : events) {
      if (event.value("event", "") == "version") versions.push_back(event["version"]);
    }
    return versions;
  }

  std::vector<Json> Logged(const std::string& state) const {
    std::vector<Json> events;
    std::ifstream file(directory_ / state + "/metrics.jsonl");
    for (std::string line; std::getline(file, line);) events.push_back(Json::parse(line));
    return events;
  }

  std::vector<std::uint64_t> LoggedVersions(const std::string& state) const {
    return VersionsOf(Logged(state));
  }

  /// The run fails since it lost this participant, and says so in its last event.
  static void ExpectLost(Program& run, int code, const std::string& who,
                         const std::string& reason) {
    EXPECT_EQ(run.Wait(), code) << run.output() << run.errors();
    ASSERT_GE(run.events().size(), 2U);
    const Json& failed = run.events().back();
    EXPECT_EQ(failed.value("event", ""), "failed") << failed;
    EXPECT_EQ(failed.value("reason", ""), reason) << failed;
    EXPECT_EQ(failed.value("exit_code", 0), code) << failed;
    EXPECT_THAT(failed.value("message", ""), HasSubstr(who));
  }

  static std::string Contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static void FlipLastByte(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(-1, std::ios::end);
    const int byte = file.get();
    file.seekp(-1, std::ios::end);
    file.put(static_cast<char>(byte ^ 1));
    ASSERT_TRUE(file.good()) << path;
  }

  TempDir directory_;
};

TEST_F(RunTest, FinishesAndSaysSoAgain) {
  Program first(Arguments("state"));
  ASSERT_EQ(first.Wait(), 0) << first.output() << first.errors();
  EXPECT_THAT(VersionsOf(first.events()), ElementsAre(1, 2, 3, 4, 5));
  const Json finished = first.events().back();
  EXPECT_EQ(finished["event"], "finished");
  EXPECT_EQ(finished["rounds"], 5);
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_TRUE(std::filesystem::exists(directory_ / "state/model.safetensors"));

  Program second(Arguments("state"));
  ASSERT_EQ(second.Wait(), 0) << second.errors();
  ASSERT_EQ(second.events().size(), 1U) << second.output();
  EXPECT_EQ(second.events().back(), finished);
}

TEST_F(RunTest, MissingOrOlderExportIsMadeAnew) {
  Program first(Arguments("state"));
  ASSERT_EQ(first.Wait(), 0) << first.output() << first.errors();
  const std::string path = directory_ / "state/model.safetensors";
  const std::string whole = Contents(path);
  ASSERT_FALSE(whole.empty());

  std::filesystem::remove(path);
  Program second(Arguments("state"));
  EXPECT_EQ(second.Wait(), 0) << second.errors();
  EXPECT_EQ(Contents(path), whole);

  Program older({"checkpoints", "export", "--state-dir", directory_ / "state", "--version", "4",
                 "--output", path});
  ASSERT_EQ(older.Wait(), 0) << older.errors();
  ASSERT_NE(Contents(path), whole);
  Program third(Arguments("state"));
  EXPECT_EQ(third.Wait(), 0) << third.errors();
  EXPECT_EQ(Contents(path), whole);
}

TEST_F(RunTest, SigtermDrainsAndTheSameCommandGoesOn) {
  Program first(Arguments("state", Endless()));
  const std::uint64_t last = Drain(first) + 2;
  EXPECT_EQ(first.events().back().value("event", ""), "drained");

  Program second(Arguments("state", Rounds(last)));
  ASSERT_EQ(second.Wait(), 0) << second.output() << second.errors();
  EXPECT_EQ(second.events().back().value("event", ""), "finished");
  EXPECT_EQ(LoggedVersions("state"), VersionsTo(last));
  std::vector<Json> both = first.events();
  both.insert(both.end(), second.events().begin(), second.events().end());
  EXPECT_EQ(VersionsOf(both), VersionsTo(last));
  EXPECT_EQ(second.events().back()["digest"], QuietDigest(Rounds(last)));
}

TEST_F(RunTest, KilledProcessesAreStartedAgainAndChangeNoBit) {
  constexpr std::uint64_t kRounds = 25;  // Far from over when they are killed.
  Program run(Arguments("state", Rounds(kRounds)));
  ASSERT_FALSE(run.AwaitVersion(1).is_null()) << run.errors();
  const RunState state = Processes("state");
  ASSERT_EQ(state.processes.size(), 3U);
  ::kill(state.processes[1].pid, SIGKILL);
  ::kill(state.coordinator.pid, SIGKILL);
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  std::vector<std::string> restarted;
  for (const Json& event : run.events()) {
    if (event["event"] != "restart") continue;
    restarted.push_back(event["process"]);
    EXPECT_EQ(event["exit"], "signal 9");
  }
  EXPECT_THAT(restarted, ::testing::UnorderedElementsAre("coordinator", "participant-01"));
  EXPECT_EQ(VersionsOf(run.events()), VersionsTo(kRounds));
  EXPECT_EQ(run.events().back()["digest"], QuietDigest(Rounds(kRounds)));
}

TEST_F(RunTest, ChildrenEndWithTheSupervisorAndTheSameCommandGoesOn) {
  Program first(Arguments("state", Endless()));
  ASSERT_FALSE(first.AwaitVersion(1).is_null()) << first.errors();
  const RunState state = Processes("state");
  first.Signal(SIGKILL);
  EXPECT_EQ(first.Wait(), -SIGKILL);
  EXPECT_TRUE(AwaitEnd(state.coordinator.pid));
  for (const RunProcess& process : state.processes) EXPECT_TRUE(AwaitEnd(process.pid));

  ASSERT_THAT(LoggedVersions("state"), ::testing::Not(IsEmpty()));
  const std::uint64_t last = LoggedVersions("state").back() + 3;
  Program second(Arguments("state", Rounds(last)));
  ASSERT_EQ(second.Wait(), 0) << second.output() << second.errors();
  EXPECT_EQ(second.events().back().value("event", ""), "finished");
  EXPECT_EQ(LoggedVersions("state"), VersionsTo(last));
}

TEST_F(RunTest, ChangedJobIsRefusedByName) {
  Program first(Arguments("state"));
  ASSERT_EQ(first.Wait(), 0) << first.errors();
  Program second(Arguments("state", {"--set", "job.seed=2"}));
  EXPECT_EQ(second.Wait(), 2) << second.output();
  EXPECT_EQ(second.events().back().value("event", ""), "failed");
  EXPECT_THAT(second.events().back()["message"].get<std::string>(), HasSubstr("seed"));
}

TEST_F(RunTest, LostParticipantThatTheQuorumNeedsEndsTheRun) {
  Program first(Arguments("state", Endless()));
  Drain(first);
  FlipLastByte(directory_ / "state/participants/participant-01/state.bin");

  Program second(Arguments("state", Endless()));
  EXPECT_EQ(second.Wait(), 5) << second.output() << second.errors();
  ASSERT_THAT(second.events(), ::testing::Not(IsEmpty()));
  EXPECT_EQ(second.events().back().value("event", ""), "failed");
  const std::string message = second.events().back()["message"];
  EXPECT_THAT(message, HasSubstr("participant-01"));
  EXPECT_THAT(message, HasSubstr("state.bin"));
}

TEST_F(RunTest, LostParticipantBeyondTheQuorumIsDoneWithout) {
  std::vector<std::string> quorum = Endless();
  quorum.insert(quorum.end(), {"--set", "round.quorum=2", "--set", "round.deadline_s=0.5"});
  Program first(Arguments("state", quorum));
  quorum[1] = Rounds(Drain(first) + 2)[1];
  FlipLastByte(directory_ / "state/participants/participant-01/state.bin");

  Program second(Arguments("state", quorum));
  EXPECT_EQ(second.Wait(), 0) << second.output() << second.errors();
  EXPECT_EQ(second.events().back().value("event", ""), "finished");
}

TEST_F(RunTest, VanishedDirectoryIsNotTriedAgain) {
  Program run(Arguments("state", {"--set", "job.rounds=100000"}));
  ASSERT_FALSE(run.AwaitVersion(1).is_null()) << run.errors();
  std::filesystem::rename(directory_ / "state/participants/participant-01", directory_ / "x");
  ::kill(Processes("state").processes[1].pid, SIGKILL);
  ExpectLost(run, 9, "participant-01", "io_failed");
  EXPECT_EQ(run.events()[run.events().size() - 2]["event"], "summary");
  for (const Json& event : run.events()) EXPECT_NE(event["event"], "restart") << event;
}

TEST_F(RunTest, RevokedInASharedProcessThatTheQuorumNeedsEndsTheRun) {
  Program run(Arguments("state", {"--set", "job.rounds=100000", "--set", "run.per_process=3"}));
  ASSERT_FALSE(run.AwaitVersion(1).is_null()) << run.errors();
  Program remove({"enroll", "remove", "participant-01", "--state-dir", directory_ / "state"});
  ASSERT_EQ(remove.Wait(), 0) << remove.errors();
  ExpectLost(run, 7, "participant-01", "revoked");
}

TEST_F(RunTest, RevokedInASharedProcessBeyondTheQuorumIsDoneWithout) {
  Program run(Arguments("state", {"--set", "job.rounds=100000", "--set", "run.per_process=3",
                                  "--set", "round.quorum=2", "--set", "round.deadline_s=0.5"}));
  ASSERT_FALSE(run.AwaitVersion(1).is_null()) << run.errors();
  Program remove({"enroll", "remove", "participant-01", "--state-dir", directory_ / "state"});
  ASSERT_EQ(remove.Wait(), 0) << remove.errors();
  EXPECT_FALSE(run.Await([](const Json& event) { return event["event"] == "lost"; }).is_null());
  for (int version = 0; version < 2; ++version) {
    EXPECT_FALSE(
        run.Await([](const Json& event) { return event["event"] == "version"; }).is_null());
  }
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait(), 3) << run.output() << run.errors();
  EXPECT_EQ(run.events().back().value("event", ""), "drained");
}

TEST_F(RunTest, VanishedDirectoryInASharedProcessThatTheQuorumNeedsEndsTheRun) {
  // The first one's holds the log of the process, too.
  for (const std::string name : {"participant-00", "participant-02"}) {
    Program run(Arguments(name, {"--set", "job.rounds=100000", "--set", "run.per_process=3"}));
    ASSERT_FALSE(run.AwaitVersion(1).is_null()) << run.errors();
    // Renamed, as who works in it may add a file to it just now.
    std::filesystem::rename(directory_ / name + "/participants/" + name, directory_ / name + ".x");
    ExpectLost(run, 9, name, "io_failed");
  }
}

TEST_F(RunTest, RoundsMayBeRaised) {
  Program first(Arguments("state"));
  ASSERT_EQ(first.Wait(), 0) << first.errors();
  Program second(Arguments("state", {"--set", "job.rounds=7"}));
  ASSERT_EQ(second.Wait(), 0) << second.output() << second.errors();
  EXPECT_THAT(VersionsOf(second.events()), ElementsAre(6, 7));
  EXPECT_EQ(second.events().back()["rounds"], 7);
}

TEST_F(RunTest, SecondSupervisorOfOneStateIsRefused) {
  Program first(Arguments("state", Endless()));
  ASSERT_FALSE(first.AwaitVersion(1).is_null()) << first.errors();
  Program second(Arguments("state", Endless()));
  EXPECT_EQ(second.Wait(), 4);
  EXPECT_THAT(second.errors(), IsEmpty());
  ASSERT_EQ(second.events().size(), 1U) << second.output();
  EXPECT_EQ(second.events().back().value("event", ""), "failed");
  EXPECT_EQ(second.events().back().value("reason", ""), "state_in_use");
  EXPECT_EQ(second.events().back().value("exit_code", 0), 4);
  Drain(first);
}

TEST_F(RunTest, SeveralParticipantsOfOneProcessChangeNoBit) {
  Program run(Arguments("state", {"--set", "run.per_process=2", "--set", "run.threads=2"}));
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  EXPECT_EQ(Processes("state").processes.size(), 2U);
  EXPECT_EQ(run.events().back()["digest"], QuietDigest());
}

TEST_F(RunTest, FreshKeysChangeNoBit) {
  const std::string quiet = QuietDigest();
  Program run(Arguments("state"));
  ASSERT_EQ(run.Wait(), 0) << run.errors();
  EXPECT_EQ(run.events().back()["digest"], quiet);
}

TEST_F(RunTest, StatusNamesPidsWhileItRunsAndTheVersionAfterwards) {
  const std::vector<std::string> status = {"status", "--state-dir", directory_ / "state",
                                           "--format", "json"};
  Program run(Arguments("state", Endless()));
  ASSERT_FALSE(run.AwaitVersion(1).is_null()) << run.errors();
  Program live(status);
  EXPECT_EQ(live.Wait(), 0) << live.errors();
  ASSERT_FALSE(live.events().empty());
  const Json told = live.events().back();
  EXPECT_EQ(told["supervisor_pid"], run.pid());
  EXPECT_EQ(told["pid"], Processes("state").coordinator.pid);
  ASSERT_EQ(told["participants"].size(), 3U);
  EXPECT_EQ(told["participants"][2]["pid"], Processes("state").processes[2].pid);
  const std::uint64_t last = Drain(run) + 1;
  Program rest(Arguments("state", Rounds(last)));
  EXPECT_EQ(rest.Wait(), 0) << rest.errors();

  Program stopped(status);
  EXPECT_EQ(stopped.Wait(), 0) << stopped.errors();
  ASSERT_FALSE(stopped.events().empty());
  EXPECT_EQ(stopped.events().back()["running"], false);
  EXPECT_EQ(stopped.events().back()["version"], last);
  EXPECT_EQ(stopped.events().back()["finished"], true);
}

TEST_F(RunTest, SummaryStandsInTheEventLogAndOnceInTheStream) {
  Program run(Arguments("state"));
  ASSERT_EQ(run.Wait(), 0) << run.errors();
  const std::vector<Json> logged = Logged("state");
  ASSERT_GE(logged.size(), 2U);
  EXPECT_EQ(logged.back()["event"], "summary");
  EXPECT_EQ(logged[logged.size() - 2]["event"], "finished");
  EXPECT_EQ(run.events()[run.events().size() - 2], logged.back());
  EXPECT_EQ(run.events().back().value("event", ""), "finished");
  const auto summaries = std::ranges::count_if(
      run.events(), [](const Json& event) { return event["event"] == "summary"; });
  EXPECT_EQ(summaries, 1);
}

TEST_F(RunTest, RemovedEventLogOfAFinishedRunIsWrittenAnew) {
  Program first(Arguments("state"));
  ASSERT_EQ(first.Wait(), 0) << first.errors();
  std::filesystem::remove(directory_ / "state/metrics.jsonl");
  Program second(Arguments("state"));
  EXPECT_EQ(second.Wait(), 0) << second.output() << second.errors();
  ASSERT_THAT(second.events(), ::testing::Not(IsEmpty()));
  EXPECT_EQ(second.events().back().value("event", ""), "finished");
  EXPECT_EQ(second.events().back().value("digest", "none"),
            first.events().back().value("digest", ""));
  EXPECT_THAT(VersionsOf(second.events()), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(LoggedVersions("state"), ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(RunTest, EventLogRemovedBetweenTwoRunsIsWrittenAnew) {
  Program first(Arguments("state", Endless()));
  const std::uint64_t last = Drain(first) + 2;
  std::filesystem::remove(directory_ / "state/metrics.jsonl");
  Program second(Arguments("state", Rounds(last)));
  EXPECT_EQ(second.Wait(), 0) << second.output() << second.errors();
  EXPECT_EQ(second.events().back().value("event", ""), "finished");
  EXPECT_EQ(VersionsOf(second.events()), VersionsTo(last));
  EXPECT_EQ(LoggedVersions("state"), VersionsTo(last));
}

TEST_F(RunTest, OtherParticipantsThanThoseEnrolledAreRefused) {
  const std::vector<std::string> quorum = {"--set", "round.quorum=2"};
  Program first(Arguments("state", quorum));
  ASSERT_EQ(first.Wait(), 0) << first.errors();
  for (const char* set : {"run.names=site", "run.participants=2"}) {
    std::vector<std::string> more = {"--set", set, "--set", "job.rounds=7"};
    more.insert(more.end(), quorum.begin(), quorum.end());
    Program second(Arguments("state", more));
    EXPECT_EQ(second.Wait(), 2) << second.output();
    ASSERT_EQ(second.events().size(), 1U) << second.output();
    EXPECT_EQ(second.events().back().value("reason", ""), "config_changed");
  }
}

TEST_F(RunTest, WhatNoStartCanMendIsSaidBeforeAnyStart) {
  Program whole(Arguments("state"));
  ASSERT_EQ(whole.Wait(), 0) << whole.errors();
  const std::vector<std::vector<std::string>> cases = {
      {"--set", "job.seed=2"},
      {"--set", "model.kind=softmax", "--set", "data.source=idx"},
      {"--set", "model.kind=softmax", "--set", "data.source=idx", "--set", "data.dir=/no/such"}};
  for (const auto& sets : cases) {
    Program run(Arguments("state", sets));
    EXPECT_EQ(run.Wait(), 2) << run.output();
    ASSERT_EQ(run.events().size(), 1U) << run.output();
    EXPECT_EQ(run.events().back().value("event", ""), "failed");
    EXPECT_EQ(run.events().back().value("exit_code", 0), 2);
  }
}

TEST_F(RunTest, BadKeyFileIsNotTriedAgain) {
  Program first(Arguments("state", Endless()));
  Drain(first);
  std::ofstream(directory_ / "state/coordinator.key") << "nonsense\n";
  Program second(Arguments("state", Endless()));
  EXPECT_EQ(second.Wait(), 2) << second.output();
  EXPECT_EQ(second.events().back().value("event", ""), "failed");
  EXPECT_EQ(second.events().back().value("reason", ""), "file_malformed");
  for (const Json& event : second.events()) EXPECT_NE(event["event"], "restart") << event;
}

TEST_F(RunTest, EveryErrorUnderJsonIsOneObject) {
  const std::string state = directory_ / "none";
  const std::string config = directory_ / "tiny.toml";
  AppendTo(directory_ / "endpoints.json", "nonsense");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"ran"},
           {"run"},
           {"run", directory_ / "none.toml"},
           {"run", config, "--set", "round.gaol=1"},
           {"coordinator", directory_ / "none.toml", "--state-dir", state},
           {"participant", "--name", "x", "--state-dir", state, "--endpoints",
            directory_ / "endpoints.json"},
           {"participant", "--name", "x", "--state-dir", state, "--connect", "tcp://h:1",
            "--connect-bulk", "tcp://h:2", "--server-key", "nonsense"},
           {"keygen", "--state-dir", state, "--name", "../x"},
           {"enroll", "ad"},
           {"enroll", "add", "x", "--key", "nonsense", "--state-dir", state},
           {"enroll", "remove", "x", "--state-dir", directory_ / "new"},
           {"enroll", "ls", "--state-dir", directory_ / "other"},
           {"status", "--state-dir", state},
           {"checkpoints", "ls", "--state-dir", state},
           {"checkpoints", "show", "--state-dir", state, "--version", "-1"},
           {"checkpoints", "export", "--state-dir", state, "--output", "x"},
           {"data", "show", config, "--set", "data.source=idx", "--set", "model.kind=softmax"},
           {"plot", "--state-dir", state}}) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--format", "json"});
    Program program(all);
    EXPECT_EQ(program.Wait(), 2) << words[0] << program.output() << program.errors();
    EXPECT_THAT(program.errors(), IsEmpty()) << words[0];
    ASSERT_EQ(program.events().size(), 1U) << words[0] << program.output();
    const Json& failed = program.events().back();
    EXPECT_EQ(failed.size(), 4U) << failed;
    EXPECT_EQ(failed.value("event", ""), "failed") << failed;
    EXPECT_FALSE(failed.value("reason", "").empty()) << failed;
    EXPECT_FALSE(failed.value("message", "").empty()) << failed;
    EXPECT_EQ(failed.value("exit_code", 0), 2) << failed;
  }
}

TEST_F(RunTest, UnknownCommandIsToldTheNearest) {
  Program top({"chekpoints", "ls"});
  EXPECT_EQ(top.Wait(), 2);
  EXPECT_THAT(top.errors(), HasSubstr("did you mean `checkpoints`?"));
  Program inner({"enroll", "ad", "x"});
  EXPECT_EQ(inner.Wait(), 2);
  EXPECT_THAT(inner.errors(), HasSubstr("did you mean `enroll add`?"));
}

TEST_F(RunTest, MistakesOnTheCommandLineHaveTheirExitCode) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"ran"},
           {"run"},
           {"run", directory_ / "tiny.toml", "--format", "xml"},
           {"run", directory_ / "tiny.toml", "--set", "round.gaol=1"},
           {"participant", "--name", "../x", "--state-dir", directory_.path(), "--endpoints", "e"},
           {"participant", "--name", "x", "--state-dir", directory_.path()}}) {
    Program program(words);
    EXPECT_EQ(program.Wait(), 2) << words[0] << program.errors();
    EXPECT_THAT(program.errors(), ::testing::Not(IsEmpty()));
  }
}

}  // namespace
}  // namespace muster::cli
