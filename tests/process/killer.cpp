#include "tests/process/killer.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>

#include "cli/run_files.h"
#include "tests/process/events.h"

namespace muster::process {
namespace {

using testing::LineFollower;

std::string NameOf(std::size_t number) {
  return cli::ParticipantName("participant", static_cast<std::uint32_t>(number));
}

}  // namespace

std::string Field(const std::string& line, const std::string& key) {
  const std::size_t at = line.find(" " + key + "=");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size() + 2;
  return line.substr(begin, line.find(' ', begin) - begin);
}

bool Says(const std::string& line, const std::string& message) {
  return line.find(" " + message + " ") != std::string::npos;
}

std::uint64_t KillSeed() {
  const char* given = std::getenv("MUSTER_KILL_SEED");
  const std::uint64_t seed = given == nullptr ? 1 : std::stoull(given);
  std::printf("MUSTER_KILL_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

std::vector<std::string> RunArguments(const std::string& job_file, const std::string& state) {
  return {"run", job_file, "--state-dir", state, "--format", "json"};
}

void ExpectReplays(const std::string& state) {
  cli::Program verify(
      {"checkpoints", "verify", "--state-dir", state, "--replay", "--format", "json"});
  EXPECT_EQ(verify.Wait(), 0) << verify.output() << verify.errors();
  EXPECT_NE(verify.output().find("\"replayed\""), std::string::npos) << verify.output();
}

Killer::Killer(cli::Program& run, const std::string& state)
    : run_(run), state_(state), log_(state + "/coordinator.log") {
  AwaitStarted();
}

std::map<std::string, int> Killer::CoordinatorKillsByPhase() const {
  std::map<std::string, int> counts;
  for (const Kill& kill : kills_) {
    if (kill.process == "coordinator") ++counts[kill.phase];
  }
  return counts;
}

void Killer::KillCoordinatorIn(const std::string& phase) {
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

void Killer::KillParticipant(std::size_t number, bool with_update) {
  const pid_t pid = AwaitParticipant(number);
  if (with_update) {
    LineFollower log(LogOf(number));
    log.ReadRest([](const std::string&) {});
    log.Await([](const std::string& line) { return Says(line, "update ready"); });
  }
  ReadOn();
  ::kill(pid, SIGKILL);
  killed_[number] = pid;
  Kill kill = Now(NameOf(number));
  kill.phase = phase_;
  kill.round = round_;
  kills_.push_back(kill);
}

void Killer::KillAtRandom(KeyedStream& random, std::size_t kills, std::size_t participants) {
  while (kills_.size() < kills) {
    if (random.Below(3) == 0) {
      KillCoordinatorIn(random.Below(2) == 0 ? "report" : "commit");
    } else {
      KillParticipant(random.Below(participants), /*with_update=*/random.Below(2) == 0);
    }
    ASSERT_NO_FATAL_FAILURE(AwaitProgress());
  }
}

void Killer::StopCoordinator(std::size_t until_given_up_by) {
  LineFollower log(LogOf(until_given_up_by));
  log.ReadRest([](const std::string&) {});
  log.Await([](const std::string& line) { return Says(line, "update accepted"); });
  ReadOn();
  ::kill(pid_, SIGSTOP);
  log.Await([](const std::string& line) { return Says(line, "connection lost"); });
  ::kill(pid_, SIGCONT);
}

void Killer::StopParticipant(std::size_t number) {
  const pid_t pid = AwaitParticipant(number);
  const auto await = [&](const std::string& message) {
    log_.Await([&](const std::string& line) {
      Remember(line);
      return Says(line, message) && Field(line, "who") == NameOf(number);
    });
  };
  ReadOn();
  await("accepted");  // Only who is there can leave.
  ::kill(pid, SIGSTOP);
  await("left");
  ::kill(pid, SIGCONT);
}

void Killer::AwaitProgress() {
  std::uint64_t newest = 0;
  for (const Json& event : run_.events()) {
    if (event.value("event", "") == "version") newest = event["version"];
  }
  ASSERT_FALSE(run_.AwaitVersion(newest + 1).is_null()) << run_.errors();
}

void Killer::Print() const {
  std::printf("%9s  %-16s %-10s %s\n", "seconds", "killed", "phase", "round");
  for (const Kill& kill : kills_) {
    std::printf("%9.2f  %-16s %-10s %s\n", kill.seconds, kill.process.c_str(), kill.phase.c_str(),
                kill.round.c_str());
  }
}

Kill Killer::Now(const std::string& process) const {
  const auto passed = std::chrono::steady_clock::now() - started_;
  return {std::chrono::duration<double>(passed).count(), process, "", ""};
}

void Killer::Remember(const std::string& line) {
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

void Killer::ReadOn() {
  log_.ReadRest([this](const std::string& line) { Remember(line); });
}

void Killer::AwaitStarted() {
  log_.Await([this](const std::string& line) {
    Remember(line);
    return Says(line, "started");
  });
}

std::string Killer::LogOf(std::size_t number) const {
  return state_ + "/participants/" + NameOf(number) + "/participant.log";
}

pid_t Killer::AwaitParticipant(std::size_t number) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    const Result<cli::RunState> run = cli::ReadRunState(state_ + "/run.json");
    const pid_t pid = run ? run->processes.at(number).pid : 0;
    if (pid != 0 && pid != killed_[number]) return pid;
  }
  ADD_FAILURE() << "participant " << number << " was not started again";
  return 0;
}

}  // namespace muster::process
