#include "cli/run_event.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_summary.h"

namespace muster::cli {
namespace {

RunEvent Parsed(const std::string& line) {
  const Result<RunEvent> event = ParseEvent(line);
  EXPECT_TRUE(event.has_value()) << event.error().Text();
  return event.value_or(RunEvent());
}

TEST(RunEvent, VersionHasAllItsFields) {
  const RunEvent event = Parsed(
      R"({"event":"version","round":3,"version":3,"digest":"ab","accepted":10,"cohort":["a","b"],)"
      R"("attempts":2,"closed_by_deadline":true,"accuracy":0.81,"loss":0.6,"examples":9,)"
      R"("seconds":1.5,"bytes_received":7,"bytes_sent":8})");
  EXPECT_EQ(event.kind, EventKind::version);
  EXPECT_EQ(event.round, 3U);
  EXPECT_EQ(event.accepted, 10U);
  EXPECT_EQ(event.attempts, 2U);
  EXPECT_EQ(event.cohort.size(), 2U);
  EXPECT_TRUE(event.closed_by_deadline);
  EXPECT_EQ(event.accuracy, 0.81);
  EXPECT_EQ(event.seconds, 1.5);
  EXPECT_EQ(event.bytes_sent, 8U);
}

TEST(RunEvent, AttemptsNumberIsRead) {
  EXPECT_EQ(Parsed(R"({"event":"attempt","round":3,"attempt":2,"reason":"below_quorum"})").attempts,
            2U);
}

TEST(RunEvent, AbsentNullAndMistypedFieldsAreDefaults) {
  const RunEvent event =
      Parsed(R"({"event":"version","round":"x","accuracy":null,"cohort":[1],"digest":3})");
  EXPECT_EQ(event.round, 0U);
  EXPECT_EQ(event.accuracy, std::nullopt);
  EXPECT_TRUE(event.cohort.empty());
}

TEST(RunEvent, UnknownKindIsPassedOn) {
  EXPECT_EQ(Parsed(R"({"event":"tomorrow"})").kind, EventKind::other);
}

TEST(RunEvent, WhatIsNoEventIsRefused) {
  for (const char* line : {"", "x", "[]", "{}", R"({"event":3})", "{\"event\":\"version\""}) {
    EXPECT_FALSE(ParseEvent(line).has_value()) << line;
  }
}

TEST(RunEvent, OwnLinesComeBack) {
  const RunEvent restart = Parsed(RestartLine("site-1", 2, "signal 9", "bad \xff byte\n"));
  EXPECT_EQ(restart.kind, EventKind::restart);
  EXPECT_EQ(restart.process, "site-1");
  EXPECT_EQ(restart.exit, "signal 9");
  EXPECT_EQ(restart.line.find('\n'), std::string::npos);
  const RunEvent full = Parsed(DiskFullLine("/state", 7, "m"));
  EXPECT_EQ(full.kind, EventKind::disk_full);
  EXPECT_EQ(full.reason, "disk_full");
  EXPECT_EQ(full.message, "m");
  EXPECT_EQ(Parsed(LostLine("a", "code 7", "m")).kind, EventKind::lost);
  const RunEvent failed = Parsed(FailedLine({Reason::attempts_exhausted, "m", 10}));
  EXPECT_EQ(failed.kind, EventKind::failed);
  EXPECT_EQ(failed.reason, "attempts_exhausted");
  EXPECT_EQ(failed.message, "m");
  EXPECT_EQ(failed.exit_code, 10);
  const RunEvent ended = Parsed(EndedLine("site-1", {Reason::finished, "", 0}));
  EXPECT_EQ(ended.kind, EventKind::ended);
  EXPECT_EQ(ended.who, "site-1");
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(Parsed(DrainedLine(4, "m")).version, 4U);
}

TEST(RunSummary, SaysWhyARunWasNotReproducible) {
  RunSummary summary;
  summary.rounds = 5;
  summary.end =
      Parsed(R"({"event":"finished","rounds":5,"version":5,"accuracy":0.9,"digest":"ab",)"
             R"("reproducible":false,"causes":[{"round":2,"cause":"replaced","who":"site-3"}]})");
  summary.restarts = {{"coordinator", 2}};
  summary.refusals = {{"round_closed", 3}};
  const std::string text = RenderSummary(summary);
  EXPECT_NE(text.find("reproducible  no; round 2: replaced site-3"), std::string::npos) << text;
  EXPECT_NE(text.find("restarts      coordinator 2"), std::string::npos) << text;
  EXPECT_NE(text.find("refusals      round_closed 3"), std::string::npos) << text;
  EXPECT_NE(text.find("rounds        5 of 5"), std::string::npos) << text;
}

TEST(RunSummary, OfManyCausesTheFirstAreShownAndTheOthersCounted) {
  RunSummary summary;
  summary.end.emplace();
  summary.end->kind = EventKind::finished;
  for (std::uint64_t round = 1; round <= 9; ++round) {
    summary.end->causes.push_back({round, "late_folded", "site-1"});
  }
  const std::string text = RenderSummary(summary);
  EXPECT_NE(text.find("round 6: late_folded site-1; and 3 more\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("round 7"), std::string::npos) << text;
}

TEST(RunSummary, RoundsBeyondThoseAskedForAreSaidSo) {
  RunSummary summary;
  summary.rounds = 4;
  summary.end = Parsed(R"({"event":"finished","rounds":10,"version":10,"digest":"ab"})");
  EXPECT_NE(RenderSummary(summary).find("rounds        10, more than the 4 asked for"),
            std::string::npos);
}

TEST(RunSummary, ItsLineHasTheRoundsThatWereDoneHoweverItEnded) {
  const auto rounds_of = [](const RunSummary& summary) {
    return nlohmann::json::parse(SummaryLine(summary)).at("rounds");
  };
  RunSummary summary;
  summary.rounds = 9;
  EXPECT_EQ(rounds_of(summary), nullptr);
  summary.last_version = Parsed(R"({"event":"version","version":5,"round":5})");
  summary.end = Parsed(R"({"event":"failed","reason":"io_failed","message":"m"})");
  EXPECT_EQ(rounds_of(summary), 5);
  summary.end = Parsed(R"({"event":"finished","rounds":9,"version":9,"digest":"ab"})");
  EXPECT_EQ(rounds_of(summary), 9);
}

TEST(RunSummary, LogOfSeveralRunsAddsUp) {
  const RunSummary summary = SummaryOf({
      R"({"event":"started","pid":1})",
      R"({"event":"restart","process":"site-1"})",
      R"({"event":"version","version":1,"round":1})",
      R"({"event":"drained","version":1})",
      R"({"event":"summary","restarts":{"site-1":1},"refusals":{"busy":2},"seconds":1.5})",
      R"({"event":"started","pid":2})",
      R"({"event":"restart","process":"site-1"})",
      R"({"event":"finished","version":2,"rounds":2,"digest":"ab"})",
      R"({"event":"summary","restarts":{"site-1":1},"refusals":{"busy":1},"seconds":2.5})",
  });
  ASSERT_TRUE(summary.end.has_value());
  EXPECT_EQ(summary.end->kind, EventKind::finished);
  EXPECT_TRUE(summary.counts_known);
  EXPECT_EQ(summary.seconds, 4.0);
  EXPECT_EQ(summary.refusals, (std::map<std::string, std::uint64_t>{{"busy", 3}}));
  ASSERT_EQ(summary.restarts.size(), 1U);
  EXPECT_EQ(summary.restarts[0], (std::pair<std::string, std::uint32_t>{"site-1", 2}));
}

TEST(RunSummary, LogWithoutAnyKnowsNoCounts) {
  const RunSummary summary = SummaryOf({R"({"event":"finished","version":2})", "nonsense"});
  EXPECT_TRUE(summary.end.has_value());
  EXPECT_FALSE(summary.counts_known);
  EXPECT_FALSE(SummaryOf({R"({"event":"drained"})", R"({"event":"started"})"}).end.has_value());
}

}  // namespace
}  // namespace muster::cli
