// One run of real processes under random SIGKILLs: they cost time and change no bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "cli/run_files.h"
#include "common/random.h"
#include "tests/cli/append_to.h"
#include "tests/cli/program.h"
#include "tests/process/events.h"
#include "tests/support/line_follower.h"
#include "tests/support/temp_dir.h"

namespace muster::process {
namespace {

using cli::Program;
using testing::LineFollower;

constexpr std::uint64_t kRounds = 45;
constexpr std::size_t kKills = 20;
constexpr int kCoordinatorKills = 8;
constexpr std::size_t kParticipants = 4;
/// A phase of a millisecond is not always hit: so many kills are enough to hit each.
constexpr std::size_t kKillsMax = 35;
const std::vector<std::string> kPhases = {"select", "configure", "report", "commit"};

/// The target is never reached: it only makes each round begin with a select of its own.
constexpr std::string_view kJob = R"(
[job]
name = "kills"
rounds = 45
target_accuracy = 0.99
[model]
kind = "synthetic"
parameters = 400000
[data]
source = "none"
parts = 4
[train]
duration_ms = 60
[round]
goal = 4
[coordinator]
fold_threads = 2
)";

std::uint64_t Seed() {
  const char* seed = std::getenv("MUSTER_KILL_SEED");
  return seed == nullptr ? 1 : std::stoull(seed);
}

/// The value of key=value in a log line; "" without one.
std::string Field(const std::string& line, const std::string& key) {
  const std::size_t at = line.find(" " + key + "=");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size() + 2;
  return line.substr(begin, line.find(' ', begin) - begin);
}

bool Says(const std::string& line, const std::string& message) {
  return line.find(" " + message + " ") != std::string::npos;
}

struct Kill {
  double seconds = 0;
  std::string process, phase, round;
};

class KillsTest : public ::testing::Test {
 protected:
  void SetUp() override { cli::AppendTo(directory_ / "kills.toml", std::string(kJob)); }

  std::vector<std::string> Arguments(const std::string& state) const {
    return {"run", directory_ / "kills.toml", "--state-dir", directory_ / state, "--format",
            "json"};
  }

  TempDir directory_;
};

/// Kills processes of one run and remembers what the coordinator's log says of it.
class Killer {
 public:
  Killer(Program& run, const std::string& state)
      : run_(run), state_(state), log_(state + "/coordinator.log") {
    AwaitStarted();
  }

  const std::vector<Kill>& kills() const { return kills_; }
  std::map<std::string, int> CoordinatorKillsByPhase() const {
    std::map<std::string, int> counts;
    for (const Kill& kill : kills_) {
      if (kill.process == "coordinator") ++counts[kill.phase];
    }
    return counts;
  }

  /// Kills the coordinator the moment it says that it enters the phase. In which phase it died is
  /// read from the last lines it wrote.
  void KillCoordinatorIn(const std::string& phase) {
    ReadOn();
    Remember(log_.Await([&](const std::string& line) {
      Remember(line);
      return Says(line, "phase") && Field(line, "phase") == phase;
    }));
    ::kill(pid_, SIGKILL);
    Kill kill = Now("coordinator");
    AwaitStarted();
    kill.phase = phase_at_death_;
    kill.round = round_at_death_;
    kills_.push_back(kill);
  }

  /// Kills the participant of this number, at once or when its next update is ready to be sent.
  void KillParticipant(std::size_t number, bool with_update) {
    const pid_t pid = AwaitParticipant(number);
    const std::string name =
        cli::ParticipantName("participant", static_cast<std::uint32_t>(number));
    if (with_update) {
      LineFollower log(state_ + "/participants/" + name + "/participant.log");
      log.ReadRest([](const std::string&) {});
      log.Await([](const std::string& line) { return Says(line, "update ready"); });
    }
    ReadOn();
    ::kill(pid, SIGKILL);
    killed_[number] = pid;
    Kill kill = Now(name);
    kill.phase = phase_;
    kill.round = round_;
    kills_.push_back(kill);
  }

  /// The supervisor forgives deaths that are followed by a new version.
  void AwaitProgress() {
    std::uint64_t newest = 0;
    for (const Json& event : run_.events()) {
      if (event.value("event", "") == "version") newest = event["version"];
    }
    ASSERT_FALSE(run_.AwaitVersion(newest + 1).is_null()) << run_.errors();
  }

  void Print() const {
    std::printf("%9s  %-16s %-10s %s\n", "seconds", "killed", "phase", "round");
    for (const Kill& kill : kills_) {
      std::printf("%9.2f  %-16s %-10s %s\n", kill.seconds, kill.process.c_str(), kill.phase.c_str(),
                  kill.round.c_str());
    }
  }

 private:
  Kill Now(const std::string& process) const {
    const auto passed = std::chrono::steady_clock::now() - started_;
    return {std::chrono::duration<double>(passed).count(), process, "", ""};
  }

  void Remember(const std::string& line) {
    if (Says(line, "started")) {
      phase_at_death_ = phase_;
      round_at_death_ = round_;
      phase_ = "starting";
      pid_ = static_cast<pid_t>(std::atoi(Field(line, "pid").c_str()));
    } else if (Says(line, "phase")) {
      phase_ = Field(line, "phase");
      round_ = Field(line, "round");
    }
  }
  void ReadOn() {
    log_.ReadRest([this](const std::string& line) { Remember(line); });
  }
  void AwaitStarted() {
    log_.Await([this](const std::string& line) {
      Remember(line);
      return Says(line, "started");
    });
  }

  /// The pid of the participant's process, another one than that killed last.
  pid_t AwaitParticipant(std::size_t number) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < deadline) {
      const Result<cli::RunState> run = cli::ReadRunState(state_ + "/run.json");
      const pid_t pid = run ? run->processes.at(number).pid : 0;
      if (pid != 0 && pid != killed_[number]) return pid;
    }
    ADD_FAILURE() << "participant " << number << " was not started again";
    return 0;
  }

  Program& run_;
  const std::string state_;
  LineFollower log_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  pid_t pid_ = 0;
  std::string phase_, round_, phase_at_death_, round_at_death_;
  std::map<std::size_t, pid_t> killed_;
  std::vector<Kill> kills_;
};

TEST_F(KillsTest, TwentyKillsInAllPhasesChangeNoBit) {
  Program quiet(Arguments("quiet"));
  ASSERT_EQ(quiet.Wait(), 0) << quiet.errors();
  const Json undisturbed = quiet.events().back();

  std::printf("MUSTER_KILL_SEED=%llu\n", static_cast<unsigned long long>(Seed()));
  KeyedStream random(Seed(), "kills", {});
  std::filesystem::create_directories(directory_ / "state");
  Program run(Arguments("state"));
  Killer killer(run, directory_ / "state");
  std::set<std::string> missed(kPhases.begin(), kPhases.end());
  int coordinator_kills = 0;
  while ((killer.kills().size() < kKills || coordinator_kills < kCoordinatorKills ||
          !missed.empty()) &&
         killer.kills().size() < kKillsMax) {
    if (random.Below(5) < 3) {
      const std::size_t pick = random.Below(missed.empty() ? kPhases.size() : missed.size());
      const auto offset = static_cast<std::ptrdiff_t>(pick);
      const std::string phase = missed.empty() ? kPhases[pick] : *std::next(missed.begin(), offset);
      // Room for the round is made once a process: only a new one stays in configure for a while.
      if (phase == "configure") killer.KillCoordinatorIn("report");
      killer.KillCoordinatorIn(phase);
    } else {
      killer.KillParticipant(random.Below(kParticipants), /*with_update=*/random.Below(2) == 0);
    }
    coordinator_kills = 0;
    for (const auto& [phase, count] : killer.CoordinatorKillsByPhase()) {
      coordinator_kills += count;
      missed.erase(phase);
    }
    ASSERT_NO_FATAL_FAILURE(killer.AwaitProgress());
  }
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  killer.Print();

  for (const std::string& phase : missed) ADD_FAILURE() << "no coordinator died in " << phase;
  EXPECT_GE(coordinator_kills, kCoordinatorKills);
  std::size_t restarts = 0;
  for (const Json& event : run.events()) {
    if (event["event"] != "restart") continue;
    ++restarts;
    EXPECT_EQ(event["exit"], "signal 9") << event;
  }
  EXPECT_EQ(restarts, killer.kills().size()) << "nobody died but by this test";
  const Json finished = run.events().back();
  EXPECT_EQ(finished["event"], "finished");
  EXPECT_EQ(finished["digest"], undisturbed["digest"]);
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_EQ(VersionsOf(run.events()), EachVersionOnce(kRounds));
  EXPECT_EQ(VersionsOf(ReadEvents(directory_ / "state")), EachVersionOnce(kRounds));
}

}  // namespace
}  // namespace muster::process
