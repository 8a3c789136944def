#include "coordinator/runtime/notice_log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/coordinator_runtime/memory_store.h"
#include "tests/coordinator_runtime/sample_jobs.h"
#include "tests/support/temp_dir.h"

namespace muster::coordinator {
namespace {

using nlohmann::json;

/// Plays starts of a coordinator on one disk and one event stream.
class NoticeLogTest : public ::testing::Test {
 protected:
  void SetUp() override { Start(); }

  /// A process begins; the one before, if any, was killed.
  void Start(bool evaluated = true) {
    notices_.reset();
    store_ = disk_.OpenStore();
    auto log = ProcessLog::Open(dir_ / "coordinator.log");
    auto metrics = LineLog::Open(Stream());
    const auto reported = LastReportedVersion(Stream());
    ASSERT_TRUE(log && metrics && reported);
    log_ = std::move(*log);
    notices_.emplace(NoticeLog::Setup{*store_, traffic_, *log_, std::move(*metrics), evaluated,
                                      std::min(*reported, head_), head_, now_});
    notices_->OnRoster(muster::testing::RosterOf(3));
  }

  /// Makes the next version durable, without a word to the notice log.
  void Commit() {
    RoundRecord record;
    record.round = record.version = ++head_;
    record.eligible = {0, 1, 2};
    record.first_drawn = {0, 1};
    record.accepted = {{.id = {1, head_, 0, 0}, .weight = 1},
                       {.id = {1, head_, 2, 0}, .weight = 1}};
    ASSERT_TRUE(store_->Write({{PutRoundRecord{record}}}).has_value());
  }
  void TellCommitted(Version version) {
    notices_->OnNotice(
        {.kind = NoticeKind::version_committed, .round = version, .version = version}, now_);
  }
  void Evaluate(Version version) {
    const EvaluationRecord record{version, 100, 0.5, 0.25};
    notices_->OnEvaluation(record);
    ASSERT_TRUE(store_->Write({{PutEvaluation{record}}}).has_value());
    TellEvaluated(version);
  }
  void TellEvaluated(Version version) {
    notices_->OnNotice({.kind = NoticeKind::version_evaluated, .version = version}, now_);
  }
  void CommitAndEvaluate() {
    Commit();
    TellCommitted(head_);
    Evaluate(head_);
  }
  void WriteEnd(Reason reason) {
    StatusView status;
    status.version = head_;
    notices_->WriteEnd({reason, "text"}, status,
                       {{{"updates_accepted", 7}}, {{"not_finite", 2}, {"unknown_key", 1}}}, {},
                       mirror_);
  }

  std::optional<MirrorStatus> mirror_;  ///< Nothing: there is none.

  std::string Stream() const { return dir_ / "metrics.jsonl"; }
  std::vector<json> Events() const {
    std::vector<json> events;
    const auto lines = ReadLines(Stream(), 1 << 30);
    EXPECT_TRUE(lines.has_value());
    for (const std::string& line : *lines) events.push_back(json::parse(line));
    return events;
  }
  std::vector<Version> Reported() const {
    std::vector<Version> versions;
    for (const json& event : Events()) {
      if (event.at("event") == "version") versions.push_back(event.at("version"));
    }
    return versions;
  }
  void AppendRaw(const std::string& text) {
    std::ofstream(Stream(), std::ios::app | std::ios::binary) << text;
  }

  TempDir dir_;
  muster::testing::MemoryDisk disk_;
  std::unique_ptr<CheckpointStore> store_;
  Traffic traffic_;
  std::unique_ptr<ProcessLog> log_;
  std::optional<NoticeLog> notices_;
  Version head_ = 0;
  MonotonicMs now_ = 1000;
};

using Versions = std::vector<Version>;

TEST_F(NoticeLogTest, ACrashBetweenCommitAndLineIsCaughtUpOn) {
  CommitAndEvaluate();
  Commit();
  Start();
  Evaluate(2);
  EXPECT_EQ(Reported(), (Versions{1, 2}));
}

TEST_F(NoticeLogTest, ATornLineIsWrittenAgainWhole) {
  CommitAndEvaluate();
  Commit();
  AppendRaw(R"({"event":"version","round":2,"version":2,"digest":"00)");
  Start();
  EXPECT_EQ(notices_->reported(), 1U);
  Evaluate(2);
  EXPECT_EQ(Reported(), (Versions{1, 2}));
}

TEST_F(NoticeLogTest, AVersionToldAgainHasOneLine) {
  CommitAndEvaluate();
  TellEvaluated(1);
  Start();
  TellEvaluated(1);
  EXPECT_EQ(Reported(), Versions{1});
}

TEST_F(NoticeLogTest, VersionsThatWereSkippedComeFirst) {
  Commit();
  Commit();
  Commit();
  Evaluate(3);
  EXPECT_EQ(Reported(), (Versions{1, 2, 3}));
}

TEST_F(NoticeLogTest, WithEvaluationACommitAloneHasNoLine) {
  Commit();
  TellCommitted(1);
  EXPECT_EQ(Reported(), Versions{});
}

TEST_F(NoticeLogTest, WithoutEvaluationTheCommitIsTheLine) {
  Start(/*evaluated=*/false);
  Commit();
  TellCommitted(1);
  ASSERT_EQ(Reported(), Versions{1});
  EXPECT_TRUE(Events().back().at("accuracy").is_null());
}

TEST_F(NoticeLogTest, AStreamThatKnowsMoreThanTheStoreDoesNotSilenceNewVersions) {
  CommitAndEvaluate();
  AppendRaw("{\"event\":\"version\",\"version\":7}\n");
  Start();
  CommitAndEvaluate();
  EXPECT_EQ(Reported(), (Versions{1, 7, 2}));
}

TEST_F(NoticeLogTest, TheLineSaysWhatTheRoundWas) {
  traffic_.CountSent(40);
  now_ += 1500;
  Commit();
  TellCommitted(1);
  traffic_.CountSent(2);
  Evaluate(1);
  const json line = Events().back();
  EXPECT_EQ(line.at("round"), 1);
  EXPECT_EQ(line.at("accepted"), 2);
  EXPECT_EQ(line.at("cohort"), (json{"site-0", "site-1", "site-2"}));
  EXPECT_EQ(line.at("accuracy"), 0.25);
  EXPECT_EQ(line.at("loss"), 0.5);
  EXPECT_EQ(line.at("examples"), 100);
  EXPECT_EQ(line.at("seconds"), 1.5);
  EXPECT_EQ(line.at("bytes_sent"), 40);
}

TEST_F(NoticeLogTest, SecondsAndBytesCountFromTheCommitBefore) {
  now_ += 500;
  CommitAndEvaluate();
  traffic_.CountSent(5);
  now_ += 250;
  CommitAndEvaluate();
  EXPECT_EQ(Events().back().at("seconds"), 0.25);
  EXPECT_EQ(Events().back().at("bytes_sent"), 5);
}

TEST_F(NoticeLogTest, AFinishReportsWhatIsMissingAndComesLast) {
  CommitAndEvaluate();
  Commit();
  WriteEnd(Reason::finished);
  EXPECT_EQ(Reported(), (Versions{1, 2}));
  const json last = Events().back();
  EXPECT_EQ(last.at("event"), "finished");
  EXPECT_EQ(last.at("version"), 2);
  EXPECT_EQ(last.at("reproducible"), true);
  EXPECT_EQ(last.at("causes"), json::array());
}

TEST_F(NoticeLogTest, ADrainAndAFailureAreToldApart) {
  WriteEnd(Reason::draining);
  EXPECT_EQ(Events().back().at("event"), "drained");
  WriteEnd(Reason::attempts_exhausted);
  EXPECT_EQ(Events().back().at("event"), "failed");
  EXPECT_EQ(Events().back().at("reason"), "attempts_exhausted");
}

TEST_F(NoticeLogTest, EveryEndHoldsWhatWasCounted) {
  CommitAndEvaluate();
  traffic_.CountSent(40);
  for (const Reason reason : {Reason::finished, Reason::draining, Reason::bound_exhausted}) {
    WriteEnd(reason);
    const json end = Events().back();
    EXPECT_EQ(end.at("counters"), (json{{"updates_accepted", 7}})) << end;
    EXPECT_EQ(end.at("refusals"), (json{{"not_finite", 2}, {"unknown_key", 1}})) << end;
    EXPECT_EQ(end.at("bytes_sent"), 40) << end;
    EXPECT_EQ(end.at("version"), 1) << end;
    EXPECT_EQ(end.at("digest").get<std::string>().size(), 64U) << end;
  }
}

TEST_F(NoticeLogTest, TheLastVersionIsFoundBehindAnyAmountOfOtherLines) {
  CommitAndEvaluate();
  for (int i = 0; i < 3000; ++i) {
    AppendRaw("{\"event\":\"restart\",\"process\":\"site-0\",\"count\":" + std::to_string(i) +
              ",\"message\":\"" + std::string(100, 'x') + "\"}\n");
  }
  const auto last = LastReportedVersion(Stream());
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(*last, 1U);
}

TEST_F(NoticeLogTest, LinesThatAreNoEventsNameNoVersion) {
  AppendRaw(
      "nonsense\n[1]\n{\"event\":7,\"version\":3}\n{\"event\":\"version\",\"version\":-1}\n\n");
  const auto last = LastReportedVersion(Stream());
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(*last, 0U);
}

TEST_F(NoticeLogTest, AnAttemptSaysWhyTheOneBeforeFailed) {
  notices_->OnNotice({.kind = NoticeKind::attempt_opened,
                      .round = 3,
                      .attempt = 2,
                      .reason = Reason::below_quorum,
                      .text = "1 accepted, quorum 4, 0 added",
                      .refused = {{Reason::not_finite, 2}, {Reason::out_of_bound, 1}}},
                     now_);
  const json event = Events().back();
  EXPECT_EQ(event.at("event"), "attempt");
  EXPECT_EQ(event.at("reason"), "below_quorum");
  EXPECT_EQ(event.at("refused"), (json{{"not_finite", 2}, {"out_of_bound", 1}}));
  EXPECT_EQ(event.at("message"),
            "1 accepted, quorum 4, 0 added; refused: 2 not_finite, 1 out_of_bound");
}

TEST_F(NoticeLogTest, ARoundThatCannotReachItsQuorumIsAWarning) {
  notices_->OnNotice({.kind = NoticeKind::quorum_impossible,
                      .round = 3,
                      .attempt = 1,
                      .reason = Reason::below_quorum,
                      .text = "mend them",
                      .refused = {{Reason::not_finite, 10}}},
                     now_);
  const json event = Events().back();
  EXPECT_EQ(event.at("event"), "warning");
  EXPECT_EQ(event.at("round"), 3);
  EXPECT_EQ(event.at("message"), "mend them; refused: 10 not_finite");
  const auto lines = ReadLines(dir_ / "coordinator.log", 1 << 20);
  ASSERT_TRUE(lines.has_value());
  EXPECT_NE(lines->back().find(" warning warning "), std::string::npos) << lines->back();
}

TEST_F(NoticeLogTest, AFloodOfRefusalsIsCountedNotWritten) {
  for (int i = 0; i < 1000; ++i) {
    notices_->OnNotice({.kind = NoticeKind::refused, .reason = Reason::unknown_key}, now_);
  }
  now_ += 1000;
  notices_->OnNotice({.kind = NoticeKind::refused, .reason = Reason::unknown_key}, now_);
  const auto lines = ReadLines(dir_ / "coordinator.log", 1 << 20);
  ASSERT_TRUE(lines.has_value());
  ASSERT_EQ(lines->size(), 22U);
  EXPECT_TRUE(lines->at(20).ends_with("refusals left out count=980")) << lines->at(20);
}

TEST_F(NoticeLogTest, APhaseIsInTheLogBeforeTheCallReturns) {
  notices_->OnNotice(
      {.kind = NoticeKind::phase_entered, .round = 3, .attempt = 1, .text = "report"}, now_);
  const auto lines = ReadLines(dir_ / "coordinator.log", 1 << 20);
  ASSERT_TRUE(lines.has_value());
  EXPECT_TRUE(lines->back().ends_with("info phase phase=report round=3 attempt=1"));
}

TEST_F(NoticeLogTest, AMirrorThatFailsIsToldOfAndAtTheEndHowFarItIsBehind) {
  MirrorStatus status;
  status.dir = "/backup";
  status.version = 3;
  status.committed = 5;
  status.failures = 2;
  status.error = Error{Reason::disk_full, "no room"};
  notices_->OnMirror(status);
  status.error.reset();
  notices_->OnMirror(status);
  mirror_ = status;
  WriteEnd(Reason::draining);
  const auto events = Events();
  ASSERT_GE(events.size(), 3U);
  const json& failing = events[events.size() - 3];
  EXPECT_EQ(failing["event"], "mirror");
  EXPECT_EQ(failing["state"], "failing");
  EXPECT_EQ(failing["reason"], "disk_full");
  EXPECT_EQ(failing["behind"], 2);
  EXPECT_EQ(events[events.size() - 2]["state"], "ok");
  EXPECT_EQ(events[events.size() - 2]["reason"], nullptr);
  EXPECT_EQ(events.back()["mirror"]["version"], 3);
}

TEST_F(NoticeLogTest, AMirrorOnTheVolumeOfTheStateIsWarnedOf) {
  MirrorStatus status;
  status.dir = "/backup";
  status.same_volume = true;
  notices_->OnMirror(status);
  const auto lines = ReadLines(dir_ / "coordinator.log", 1U << 20);
  ASSERT_TRUE(lines.has_value());
  EXPECT_NE(lines->back().find("warning mirror lies on the volume of the state"), std::string::npos)
      << lines->back();
  EXPECT_EQ(Events().back()["same_volume"], true);
  EXPECT_EQ(Events().back()["state"], "ok");
}

TEST_F(NoticeLogTest, VersionsThatAMirrorLeavesOutAreWarnedOf) {
  MirrorStatus status;
  status.dir = "/backup";
  status.version = status.committed = 5;
  status.damaged = {{1, "chunk 0 of version 1 is not whole"}};
  notices_->OnMirror(status);
  EXPECT_EQ(Events().back()["damaged"], json::array({1}));
  const auto lines = ReadLines(dir_ / "coordinator.log", 1 << 20);
  ASSERT_TRUE(lines.has_value());
  const auto warns = [](const std::string& line) {
    return line.find("warn") != std::string::npos &&
           line.find("chunk 0 of version 1 is not whole") != std::string::npos;
  };
  EXPECT_EQ(std::ranges::count_if(*lines, warns), 1);
}

}  // namespace
}  // namespace muster::coordinator
