// A coordinator with all its threads and real participants' traffic, in one process and in memory.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include "common/file.h"
#include "coordinator/runtime/admin_client.h"
#include "coordinator/runtime/serve.h"
#include "tests/coordinator_runtime/memory_store.h"
#include "tests/coordinator_runtime/sample_jobs.h"
#include "tests/coordinator_runtime/scripted_participant.h"
#include "tests/support/temp_dir.h"
#include "transport/memory_transport.h"

namespace muster::coordinator {
namespace {

using muster::testing::KeyNumber;
using muster::testing::MemoryDisk;
using muster::testing::RosterOf;
using muster::testing::ScriptedParticipant;
using muster::testing::SyntheticJob;
using nlohmann::json;

constexpr std::chrono::seconds kPatience{60};
constexpr std::uint64_t kRounds = 5;
constexpr std::uint32_t kParticipants = 3;
/// Two bulk chunks a model and four an update of the scripted participants.
constexpr std::uint64_t kParameters = 80'000;

/// One state directory, whatever processes come and go on it.
class Federation {
 public:
  Federation() {
    options_.state_dir = dir_.path();
    options_.fold_threads = 2;
    options_.core.rounds = kRounds;
    options_.core.goodbye_ms = 30'000;
    auto log = ProcessLog::Open(dir_ / "coordinator.log");
    EXPECT_TRUE(log.has_value());
    log_ = std::move(*log);
    const auto store = disk_.OpenStore();
    for (const RosterEntry& entry : RosterOf(kParticipants)) {
      EXPECT_TRUE(store->Write({{PutRosterEntry{entry}}}).has_value());
    }
  }

  /// One life of the coordinator; blocks until it ends.
  Result<RunOutcome> ServeOnce() {
    const auto store = disk_.OpenStore();
    const auto spool = disk_.OpenSpool();
    auto trainer = CreateTrainer(job_, 0, {});
    const auto strategy = CreateStrategy(job_);
    auto start = Bootstrap(*store, *spool, job_, {1, ++starts_}, {**trainer, ""}, *strategy);
    if (!start) return start.error();
    gate_.SetRoster(start->state.roster);
    const auto control = hub_.Bind(Channel::control, KeyNumber(200));
    const auto bulk = hub_.Bind(Channel::bulk, KeyNumber(200));
    return Serve(job_, options_,
                 {*store, *spool, **trainer, *strategy, *control, *bulk, gate_, *log_},
                 std::move(*start), signal_.get());
  }
  /// Lives of the coordinator until one of them ends with an outcome; a failed one is a crash.
  RunOutcome ServeToTheEnd() {
    while (true) {
      const Result<RunOutcome> outcome = ServeOnce();
      if (outcome) return *outcome;
      EXPECT_EQ(outcome.error().reason, Reason::io_failed) << outcome.error().Text();
      if (outcome.error().reason != Reason::io_failed) return {outcome.error().reason, ""};
      disk_.FailWrites({});
      disk_.FailVersions({});
      ++crashes_;
    }
  }

  std::unique_ptr<ScriptedParticipant> Join(RosterIndex index) {
    return std::make_unique<ScriptedParticipant>(
        job_, index, RosterOf(kParticipants)[index].name,
        hub_.MakeClient({RosterOf(kParticipants)[index].key}), hub_.TargetOf(KeyNumber(200)));
  }
  std::vector<std::unique_ptr<ScriptedParticipant>> JoinAll() {
    std::vector<std::unique_ptr<ScriptedParticipant>> all;
    for (RosterIndex index = 0; index < kParticipants; ++index) all.push_back(Join(index));
    return all;
  }

  /// The `count`-th batch from now on is the last that this life's disk takes.
  void CrashAfterBatches(int count) {
    auto left = std::make_shared<int>(count);
    disk_.OnWrite([this, left](const Batch&) {
      if ((*left)-- == 0) disk_.FailWrites(Error{Reason::io_failed, "the disk went away"});
    });
  }
  void Drain() {
    const std::uint64_t one = 1;
    EXPECT_EQ(write(signal_.get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  }
  json Status() const {
    const auto reply = AskCoordinator(dir_.path(), R"({"command":"status"})", kPatience);
    return reply ? json::parse(*reply) : json();
  }
  /// Asks until the status is as wanted.
  template <typename Wanted>
  json AwaitStatus(Wanted wanted) const {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      const json status = Status();
      if (!status.is_null() && wanted(status)) return status;
    }
    ADD_FAILURE() << "the status never became what was awaited: " << Status();
    return {};
  }

  Sha256Digest HeadDigest() const { return disk_.state().head->digest; }
  std::vector<json> Events(const std::string& kind) const {
    std::vector<json> events;
    const auto lines = ReadLines(dir_ / "metrics.jsonl", 1 << 30);
    EXPECT_TRUE(lines.has_value());
    for (const std::string& line : *lines) {
      json event = json::parse(line);
      if (event.at("event") == kind) events.push_back(std::move(event));
    }
    return events;
  }
  void ExpectEachVersionOnce() const {
    std::vector<Version> versions;
    for (const json& event : Events("version")) versions.push_back(event.at("version"));
    std::vector<Version> expected;
    for (Version version = 1; version <= kRounds; ++version) expected.push_back(version);
    EXPECT_EQ(versions, expected);
  }

  JobSpec job_ = SyntheticJob(kParticipants, kParameters);
  ServerOptions options_;
  TempDir dir_;
  MemoryDisk disk_;
  int crashes_ = 0;
  RosterGate gate_;
  MemoryHub hub_{gate_};

 private:
  std::unique_ptr<ProcessLog> log_;
  FileDescriptor signal_{eventfd(0, EFD_NONBLOCK)};
  std::uint64_t starts_ = 0;
};

Sha256Digest UndisturbedDigest() {
  static const Sha256Digest digest = [] {
    Federation federation;
    const auto participants = federation.JoinAll();
    EXPECT_EQ(federation.ServeToTheEnd().reason, Reason::finished);
    return federation.HeadDigest();
  }();
  return digest;
}

TEST(FederationTest, ARunFinishesAndSaysSo) {
  Federation federation;
  const auto participants = federation.JoinAll();
  EXPECT_EQ(federation.ServeToTheEnd().reason, Reason::finished);
  federation.ExpectEachVersionOnce();
  const std::vector<json> ends = federation.Events("finished");
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(ends[0].at("rounds"), kRounds);
  EXPECT_EQ(ends[0].at("digest"), Hex(federation.HeadDigest()));
  EXPECT_EQ(ends[0].at("reproducible"), true);
  EXPECT_TRUE(ends[0].at("accuracy").is_number());
  for (const auto& participant : participants) EXPECT_EQ(participant->fits(), kRounds);
}

TEST(FederationTest, NoCrashOfTheCoordinatorChangesTheDigest) {
  // A round takes some five batches: every kind of moment is among these.
  for (int batches = 1; batches <= 14; ++batches) {
    SCOPED_TRACE("crash after " + std::to_string(batches) + " batches");
    Federation federation;
    const auto participants = federation.JoinAll();
    federation.CrashAfterBatches(batches);
    EXPECT_EQ(federation.ServeToTheEnd().reason, Reason::finished);
    EXPECT_EQ(federation.crashes_, 1);
    EXPECT_EQ(federation.HeadDigest(), UndisturbedDigest());
    federation.ExpectEachVersionOnce();
    EXPECT_EQ(federation.Events("finished").at(0).at("reproducible"), true);
  }
}

TEST(FederationTest, AVersionThatWasCommittedButNotStoredIsComputedAgain) {
  for (Version version = 1; version <= kRounds; ++version) {
    SCOPED_TRACE("no chunk of version " + std::to_string(version));
    Federation federation;
    const auto participants = federation.JoinAll();
    federation.disk_.FailVersions(Error{Reason::io_failed, "the disk went away"}, version);
    EXPECT_EQ(federation.ServeToTheEnd().reason, Reason::finished);
    EXPECT_EQ(federation.crashes_, 1);
    EXPECT_EQ(federation.HeadDigest(), UndisturbedDigest());
    EXPECT_EQ(federation.disk_.held().size(), kRounds + 1);
    federation.ExpectEachVersionOnce();
    for (const auto& participant : participants) EXPECT_EQ(participant->fits(), kRounds);
  }
}

TEST(FederationTest, AVersionWaitsForRoomOnTheDisk) {
  Federation federation;
  const auto participants = federation.JoinAll();
  federation.disk_.FailVersions(Error{Reason::disk_full, "no space"}, 2);
  auto life = std::async(std::launch::async, [&] { return federation.ServeToTheEnd(); });
  const json status = federation.AwaitStatus([](const json& now) {
    return now.at("version") == 2 && now.at("phase") == "commit" &&
           now.at("waiting").at("for") == "disk_space";
  });
  EXPECT_EQ(federation.disk_.state().unstored.size(), kParticipants);
  federation.disk_.FailVersions({});
  EXPECT_EQ(life.get().reason, Reason::finished);
  EXPECT_EQ(federation.HeadDigest(), UndisturbedDigest());
  EXPECT_EQ(federation.disk_.held().size(), kRounds + 1);
}

TEST(FederationTest, FoldThreadsChangeNoBit) {
  Federation federation;
  federation.options_.fold_threads = 5;
  const auto participants = federation.JoinAll();
  EXPECT_EQ(federation.ServeToTheEnd().reason, Reason::finished);
  EXPECT_EQ(federation.HeadDigest(), UndisturbedDigest());
}

TEST(FederationTest, ADrainedRunGoesOnToTheSameDigest) {
  Federation federation;
  auto first = federation.Join(0);
  auto life = std::async(std::launch::async, [&] { return federation.ServeToTheEnd(); });
  federation.AwaitStatus([](const json& status) { return status.at("accepted") == 1; });
  federation.Drain();
  EXPECT_EQ(life.get().reason, Reason::draining);
  EXPECT_EQ(federation.Events("drained").size(), 1U);
  const auto second = federation.Join(1);
  const auto third = federation.Join(2);
  EXPECT_EQ(federation.ServeToTheEnd().reason, Reason::finished);
  EXPECT_EQ(federation.HeadDigest(), UndisturbedDigest());
  EXPECT_EQ(first->fits(), kRounds);  // What was accepted before the drain was not trained again.
  federation.ExpectEachVersionOnce();
}

TEST(FederationTest, StatusNamesWhoIsAwaited) {
  Federation federation;
  const auto first = federation.Join(0);
  const auto second = federation.Join(1);
  auto life = std::async(std::launch::async, [&] { return federation.ServeToTheEnd(); });
  const json status = federation.AwaitStatus([](const json& now) {
    return now.at("accepted") == 2 && now.at("waiting").at("for") == "updates";
  });
  EXPECT_EQ(status.at("waiting").at("whom"), json({"site-2"}));
  EXPECT_EQ(status.at("phase"), "report");
  EXPECT_EQ(status.at("participants")[2].at("state"), "away");
  const auto third = federation.Join(2);
  EXPECT_EQ(life.get().reason, Reason::finished);
}

TEST(FederationTest, TheEndCountsPayloadsApartFromTraffic) {
  Federation federation;
  const auto participants = federation.JoinAll();
  EXPECT_EQ(federation.ServeToTheEnd().reason, Reason::finished);
  const json end = federation.Events("finished").at(0);
  const std::uint64_t payload = kRounds * kParticipants * kParameters * sizeof(float);
  EXPECT_EQ(end.at("counters").at("updates_accepted"), kRounds * kParticipants);
  EXPECT_EQ(end.at("counters").at("update_bytes_received"), payload);
  EXPECT_EQ(end.at("counters").at("model_bytes_sent"), payload);
  EXPECT_GT(end.at("bytes_received"), payload);
  EXPECT_GT(end.at("bytes_sent"), payload);
}

TEST(FederationTest, AStrangerIsRefusedAndCounted) {
  Federation federation;
  auto life = std::async(std::launch::async, [&] { return federation.ServeToTheEnd(); });
  federation.AwaitStatus([](const json&) { return true; });
  const auto stranger = federation.hub_.MakeClient({KeyNumber(99)});
  (void)stranger->Open(0, federation.hub_.TargetOf(KeyNumber(200)));
  federation.AwaitStatus(
      [](const json& status) { return status.at("refusals").value("unknown_key", 0) == 1; });
  const auto participants = federation.JoinAll();
  EXPECT_EQ(life.get().reason, Reason::finished);
  EXPECT_EQ(federation.HeadDigest(), UndisturbedDigest());
  EXPECT_EQ(federation.Events("finished").at(0).at("refusals").at("unknown_key"), 1);
}

TEST(FederationTest, BrokenLinksOnlyDelay) {
  Federation federation;
  const auto participants = federation.JoinAll();
  int batches = 0;
  int cuts = 0;
  federation.disk_.OnWrite([&](const Batch&) {
    if (++batches % 3 != 0 || cuts == 6) return;
    federation.hub_.CutAll();
    ++cuts;
  });
  EXPECT_EQ(federation.ServeToTheEnd().reason, Reason::finished);
  EXPECT_EQ(cuts, 6);
  EXPECT_EQ(federation.HeadDigest(), UndisturbedDigest());
  for (const auto& participant : participants) EXPECT_EQ(participant->fits(), kRounds);
}

TEST(FederationTest, AFinishedStateSaysFinishedAgain) {
  Federation federation;
  {
    const auto participants = federation.JoinAll();
    EXPECT_EQ(federation.ServeToTheEnd().reason, Reason::finished);
  }
  EXPECT_EQ(federation.ServeToTheEnd().reason, Reason::finished);
  federation.ExpectEachVersionOnce();
  EXPECT_EQ(federation.Events("finished").size(), 2U);
}

}  // namespace
}  // namespace muster::coordinator
