// Who comes and goes while a job runs: strangers, the revoked, newcomers, those who leave.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tests/process/fleet.h"
#include "tests/support/line_follower.h"
#include "transport/internal/zmq_server_socket.h"

namespace muster::process {
namespace {

using testing::LineFollower;

/// Runs until it is drained. A round that misses a member takes another one after the deadline.
constexpr std::string_view kJob = R"(
[job]
name = "strangers"
rounds = 1000000
[model]
kind = "synthetic"
parameters = 1000
[data]
source = "none"
parts = 4
[train]
duration_ms = 20
[round]
goal = 2
deadline_s = 1
)";

class StrangersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fleet_.EnrollNew({"site-0", "site-1", "site-2"});
    coordinator_ = fleet_.StartCoordinator();
    for (const char* name : {"site-0", "site-1", "site-2"}) {
      sites_.push_back(fleet_.StartParticipant(name));
    }
    AwaitVersions(2);
  }

  /// The run goes on for so many versions from now on.
  void AwaitVersions(std::uint64_t count) const {
    const Json now =
        fleet_.AwaitStatus([](const Json& status) { return status.contains("phase"); });
    const std::uint64_t wanted = now.value("version", std::uint64_t{0}) + count;
    fleet_.AwaitStatus([&](const Json& status) { return status["version"] >= wanted; });
  }
  /// Drains the coordinator and lets another one finish the job soon.
  void ExpectGoodEnd() {
    coordinator_->Signal(SIGTERM);
    ExpectExit(*coordinator_, 3);
    const std::uint64_t version = LastEvent(fleet_.Events(), "drained")["version"];
    coordinator_ = fleet_.StartCoordinator({"job.rounds=" + std::to_string(version + 2)});
    ExpectExit(*coordinator_, 0);
    EXPECT_EQ(VersionsOf(fleet_.Events()), EachVersionOnce(version + 2));
  }

  /// It heard of the end, or had not yet come back to the coordinator when that ended.
  static void ExpectGoodbye(cli::Program& site) {
    site.Signal(SIGTERM);
    const int code = site.Wait();
    EXPECT_TRUE(code == 0 || code == 3) << code << site.errors();
  }

  const Fleet fleet_{std::string(kJob)};
  Fleet::Process coordinator_;
  std::vector<Fleet::Process> sites_;
};

TEST_F(StrangersTest, UnknownKeyIsRefusedAndCounted) {
  fleet_.MakeKey("stranger");
  const Fleet::Process stranger = fleet_.StartParticipant("stranger");
  const Json status = fleet_.AwaitStatus(
      [](const Json& told) { return told["refusals"].value("unknown_key", 0) > 0; });
  EXPECT_EQ(status["participants"].size(), 3U) << "nobody new is in the roster";
  AwaitVersions(2);
  stranger->Signal(SIGKILL);
  ExpectExit(*stranger, -SIGKILL);
  EXPECT_NE(stranger->errors().find("unknown_key"), std::string::npos) << stranger->errors();
  ExpectGoodEnd();
  for (const Fleet::Process& site : sites_) ExpectGoodbye(*site);
}

/// Would let everybody in, if it were asked.
class CountingGate : public KeyGate {
 public:
  Status Check(const PublicKey&) override { return {}; }
  void OnRefused(const PublicKey&, Reason) override {}
  void OnConnectionsFailed(Reason reason, std::uint64_t count, const std::string&) override {
    const std::lock_guard lock(mutex_);
    if (reason == Reason::handshake_failed) failed_ += count;
    changed_.notify_all();
  }
  bool AwaitFailure() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return failed_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t failed_ = 0;
};

TEST_F(StrangersTest, CoordinatorWithoutAHandlerGetsNobodyAndHarmsNoRun) {
  const auto keys = LoadKeyPair(fleet_.CoordinatorDir() + "/coordinator.key");
  auto context = MakeZmqContext();
  ASSERT_TRUE(keys.has_value() && context.has_value());
  CountingGate gate;
  BulkTickets tickets;
  std::atomic<LinkId> next{1};
  const std::string anywhere = "tcp://127.0.0.1:0";
  auto control =
      ZmqServerSocket::Bind(*context, Channel::control, anywhere, *keys, gate, tickets, next);
  auto bulk = ZmqServerSocket::Bind(*context, Channel::bulk, anywhere, *keys, gate, tickets, next);
  ASSERT_TRUE(control.has_value() && bulk.has_value());
  fleet_.EnrollNew({"site-3"});
  cli::Program lured({"participant", "--name", "site-3", "--state-dir", fleet_.DirOf("site-3"),
                      "--connect", (*control)->endpoint(), "--connect-bulk", (*bulk)->endpoint(),
                      "--server-key", fleet_.CoordinatorDir() + "/coordinator.pub"});
  EXPECT_TRUE(gate.AwaitFailure()) << "refused and counted";
  std::vector<ServerMessage> messages;
  (*control)->Poll(std::chrono::milliseconds(0), messages);
  EXPECT_TRUE(messages.empty()) << "not one message came through";
  AwaitVersions(2);
  lured.Signal(SIGKILL);
  ExpectExit(lured, -SIGKILL);
  ExpectGoodEnd();
  for (const Fleet::Process& site : sites_) ExpectGoodbye(*site);
}

TEST_F(StrangersTest, RevokedIsTurnedAwayOnItsLiveConnection) {
  fleet_.Revoke("site-1");
  ExpectExit(*sites_[1], 7);
  EXPECT_NE(sites_[1]->errors().find("revoked"), std::string::npos) << sites_[1]->errors();
  const Fleet::Process again = fleet_.StartParticipant("site-1");
  ExpectExit(*again, 7);
  AwaitVersions(2);
  ExpectGoodEnd();
  ExpectGoodbye(*sites_[0]);
  ExpectGoodbye(*sites_[2]);
  const Json finished = LastEvent(fleet_.Events(), "finished");
  EXPECT_EQ(finished["reproducible"], false) << "the roster changed: " << finished;
}

TEST_F(StrangersTest, NewcomerGetsWorkAndLeaverIsMissedByNobody) {
  fleet_.EnrollNew({"site-3"});
  LineFollower journal(fleet_.JournalOf("site-3"));
  const Fleet::Process newcomer = fleet_.StartParticipant("site-3");
  EXPECT_NE(journal.Await([](const std::string& line) {
    return line.find("\"event\":\"done\"") != std::string::npos;
  }),
            "");

  sites_[2]->Signal(SIGTERM);
  ExpectExit(*sites_[2], 3);
  const Json status = fleet_.AwaitStatus(
      [](const Json& told) { return told["participants"][2]["state"] == "away"; });
  EXPECT_EQ(status["participants"].size(), 4U);
  AwaitVersions(2);
  ExpectGoodEnd();
  ExpectGoodbye(*newcomer);
  ExpectGoodbye(*sites_[0]);
  ExpectGoodbye(*sites_[1]);
}

}  // namespace
}  // namespace muster::process
