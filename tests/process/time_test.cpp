// Time that goes wrong: a coordinator that is stopped, one that dies again and again, clocks that
// jump.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "tests/process/fleet.h"
#include "tests/process/killer.h"
#include "tests/support/line_follower.h"

namespace muster::process {
namespace {

using testing::LineFollower;

const std::vector<std::string> kNames = {"site-0", "site-1"};

std::string Job(int lease_s, const std::string& more) {
  return R"(
[job]
name = "time"
rounds = 3
[model]
kind = "synthetic"
parameters = 1000
[data]
source = "none"
parts = 2
[coordinator]
goodbye_s = 1
lease_s = )" +
         std::to_string(lease_s) + "\n" + more;
}

/// For a participant: what it says goes to the file that LogOf names.
std::function<void()> Logged(const std::string& path) {
  return [path] {
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(file, STDERR_FILENO);
    ::dup2(file, STDOUT_FILENO);
  };
}

std::vector<std::string> LinesOf(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(AStoppedCoordinator, EndsNobodysLease) {
  // A lease longer than a gap in the loop that goes unnoticed.
  const Fleet fleet(Job(3, "[train]\nduration_ms = 3000\n[round]\ngoal = 2\n"));
  fleet.EnrollNew(kNames);
  const Fleet::Process coordinator = fleet.StartCoordinator();
  std::vector<Fleet::Process> sites;
  std::vector<std::unique_ptr<LineFollower>> logs;
  for (const std::string& name : kNames) {
    sites.push_back(fleet.StartParticipant(name, Logged(fleet.LogOf(name))));
    logs.push_back(std::make_unique<LineFollower>(fleet.LogOf(name)));
    logs.back()->Await([](const std::string& line) { return Says(line, "task started"); });
  }

  coordinator->Signal(SIGSTOP);
  // They give it up once they have heard nothing for a lease.
  for (const auto& log : logs) {
    log->Await([](const std::string& line) { return Says(line, "connection lost"); });
  }
  coordinator->Signal(SIGCONT);
  ExpectExit(*coordinator, 0);
  for (const Fleet::Process& site : sites) ExpectExit(*site, 0);

  bool suspended = false;
  for (const std::string& line : LinesOf(fleet.CoordinatorLog())) {
    suspended = suspended || Says(line, "suspended");
    EXPECT_NE(Field(line, "reason"), "lease_expired") << line;
  }
  EXPECT_TRUE(suspended);
  const Json finished = LastEvent(fleet.Events(), "finished");
  EXPECT_EQ(finished["reproducible"], true) << finished;
}

// What was used up of a deadline is on the disk: no start begins it anew.
TEST(ACoordinatorThatDiesEveryTwoSeconds, StillClosesItsRounds) {
  constexpr std::chrono::seconds kLife{2};
  constexpr int kLivesMax = 8;
  const Fleet fleet(Job(1, "[round]\ngoal = 2\nquorum = 1\ndeadline_s = 5\n"));
  fleet.EnrollNew(kNames);
  std::vector<Fleet::Process> lives;
  lives.push_back(fleet.StartCoordinator());
  const Fleet::Process site = fleet.StartParticipant(kNames[0]);  // The other one never comes.
  LineFollower log(fleet.CoordinatorLog());
  log.Await([](const std::string& line) { return Says(line, "accepted"); });
  while (VersionsOf(fleet.Events()).empty() && lives.size() < kLivesMax) {
    std::this_thread::sleep_for(kLife);  // Not to wait for anything: so long it lives.
    lives.back()->Signal(SIGKILL);
    lives.back()->Wait();
    lives.push_back(fleet.StartCoordinator());
    log.Await([](const std::string& line) { return Says(line, "started"); });
  }
  const std::vector<Json> events = fleet.Events();
  ASSERT_FALSE(VersionsOf(events).empty()) << "no round was closed in " << lives.size() << " lives";
  EXPECT_GE(lives.size(), 3U) << "it lived for a whole deadline";
  const Json version = LastEvent(events, "version");
  EXPECT_EQ(version["closed_by_deadline"], true) << version;
  EXPECT_EQ(version["accepted"], 1) << version;
}

TEST(ClocksThatJump, ChangeNothing) {
  const std::string job =
      Job(1, "[train]\nduration_ms = 300\n[round]\ngoal = 2\ndeadline_s = 30\n");
  const std::string undisturbed = Fleet::UndisturbedDigest(job, kNames);
  const Fleet fleet(job);
  fleet.EnrollNew(kNames);
  const auto jumping = [] { ::setenv("LD_PRELOAD", JUMPING_CLOCK, 1); };
  const Fleet::Process coordinator = fleet.StartCoordinator({}, jumping);
  std::vector<Fleet::Process> sites;
  for (const std::string& name : kNames) sites.push_back(fleet.StartParticipant(name, jumping));
  ExpectExit(*coordinator, 0);
  for (const Fleet::Process& site : sites) ExpectExit(*site, 0);

  const std::vector<Json> events = fleet.Events();
  EXPECT_EQ(LastEvent(events, "finished").value("digest", ""), undisturbed);
  for (const Json& event : events) {
    if (event["event"] != "version") continue;
    EXPECT_EQ(event["attempts"], 1) << event;
    EXPECT_EQ(event["closed_by_deadline"], false) << event;
  }
  // The clock of the log did jump.
  std::vector<std::string> times;
  for (const std::string& line : LinesOf(fleet.CoordinatorLog())) {
    times.push_back(line.substr(0, line.find(' ')));
  }
  EXPECT_FALSE(std::is_sorted(times.begin(), times.end()));
}

}  // namespace
}  // namespace muster::process
