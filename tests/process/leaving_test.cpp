// Participants that die for good, and that are stopped in the middle of an epoch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "tests/process/fleet.h"
#include "tests/support/line_follower.h"

namespace muster::process {
namespace {

using testing::LineFollower;

const std::vector<std::string> kNames = {"site-0", "site-1", "site-2"};

constexpr std::string_view kShortDeadline = R"(
[job]
name = "deadline"
rounds = 3
[model]
kind = "synthetic"
parameters = 1000
[data]
source = "none"
parts = 3
[train]
duration_ms = 500
[round]
goal = 3
quorum = 2
deadline_s = 3
[coordinator]
goodbye_s = 1
)";

struct JournalLine {
  std::string fit, event;
  std::uint64_t batch = 0;
};

std::vector<JournalLine> ReadJournal(const std::string& path) {
  std::vector<JournalLine> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line);
    lines.push_back({json["fit"], json["event"], json["batch"]});
  }
  return lines;
}

TEST(AParticipantThatNeverReturns, IsWaitedForNoLongerThanTheDeadline) {
  const Fleet fleet{std::string(kShortDeadline)};
  fleet.EnrollNew(kNames);
  const Fleet::Process coordinator = fleet.StartCoordinator();
  std::vector<Fleet::Process> sites;
  for (const std::string& name : kNames) sites.push_back(fleet.StartParticipant(name));

  LineFollower journal(fleet.JournalOf("site-2"));
  journal.Await(
      [](const std::string& line) { return line.find("l1.r2.s2.t0") != std::string::npos; });
  sites[2]->Signal(SIGKILL);
  ExpectExit(*sites[2], -SIGKILL);
  ExpectExit(*coordinator, 0);
  ExpectExit(*sites[0], 0);
  ExpectExit(*sites[1], 0);

  // It may have been done with the second round before it died.
  int missed = 2;
  for (const JournalLine& line : ReadJournal(fleet.JournalOf("site-2"))) {
    if (line.fit == "l1.r2.s2.t0" && line.event == "done") missed = 3;
  }
  const std::vector<Json> events = fleet.Events();
  EXPECT_EQ(VersionsOf(events), EachVersionOnce(3));
  for (const Json& event : events) {
    if (event["event"] != "version" || event["round"] < missed) continue;
    EXPECT_EQ(event["closed_by_deadline"], true) << event;
    EXPECT_EQ(event["accepted"], 2) << event;
  }
  const Json finished = LastEvent(events, "finished");
  EXPECT_EQ(finished["reproducible"], false) << finished;
  bool named = false;
  for (const Json& cause : finished["causes"]) {
    named = named || (cause["who"] == "site-2" && cause["cause"] == "deadline_passed");
  }
  EXPECT_TRUE(named) << finished;
}

/// Real training, long enough to be stopped in its middle.
constexpr std::string_view kManyBatches = R"(
[job]
name = "batches"
rounds = 2
[model]
kind = "mlp"
hidden = [100]
[data]
source = "digits"
parts = 3
partition = "shards"
train_examples = 600
test_examples = 100
[train]
epochs = 60
batch_size = 10
learning_rate = 0.05
[round]
goal = 3
)";

TEST(SigtermInMidEpoch, NoBatchIsTrainedTwice) {
  const std::string job(kManyBatches);
  const Fleet fleet(job);
  fleet.EnrollNew(kNames);
  const Fleet::Process coordinator = fleet.StartCoordinator();
  std::vector<Fleet::Process> sites;
  for (const std::string& name : kNames) sites.push_back(fleet.StartParticipant(name));

  // Epochs have 20 batches: the 27th is in the middle of the second.
  LineFollower journal(fleet.JournalOf("site-1"));
  journal.Await(
      [](const std::string& line) { return line.find("\"batch\":27}") != std::string::npos; });
  sites[1]->Signal(SIGTERM);
  ExpectExit(*sites[1], 3);
  EXPECT_TRUE(std::filesystem::exists(fleet.DirOf("site-1") + "/position.bin"));
  sites[1] = fleet.StartParticipant("site-1");
  ExpectExit(*coordinator, 0);
  for (const Fleet::Process& site : sites) ExpectExit(*site, 0);

  std::map<std::string, std::uint64_t> trained;
  std::map<std::string, int> starts;
  for (const JournalLine& line : ReadJournal(fleet.JournalOf("site-1"))) {
    if (line.event == "start") {
      ++starts[line.fit];
      EXPECT_EQ(line.batch, trained[line.fit]) << line.fit << " goes on where it was";
    } else if (line.event == "batch") {
      EXPECT_EQ(line.batch, trained[line.fit] + 1) << line.fit;
      trained[line.fit] = line.batch;
    }
  }
  EXPECT_EQ(starts["l1.r1.s1.t0"], 2);
  EXPECT_EQ(starts["l1.r2.s1.t0"], 1);
  for (const auto& [fit, batches] : trained) EXPECT_EQ(batches, 1200U) << fit;
  const Json finished = LastEvent(fleet.Events(), "finished");
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_EQ(finished["digest"], Fleet::UndisturbedDigest(job, kNames));
}

}  // namespace
}  // namespace muster::process
