#include "cli/status_snapshot.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coordinator/runtime/status_json.h"

namespace muster::cli {
namespace {

/// What a coordinator really answers, made by its own code.
std::string Reply(const std::optional<coordinator::MirrorStatus>& mirror = std::nullopt) {
  coordinator::StatusView view;
  view.round = 3;
  view.attempt = 1;
  view.version = 2;
  view.rounds = 9;
  view.goal = 2;
  view.quorum = 1;
  view.accepted = 1;
  view.wait.phase = coordinator::Phase::report;
  view.wait.kind = coordinator::WaitKind::updates;
  view.wait.whom = {1};
  view.wait.since_ms = 1500;
  view.wait.deadline_in_ms = 58'500;
  view.wait.next = "the round closes";
  view.participants = {{0, "site-00", false, true, 9000, true, true, "accepted"},
                       {1, "site-01", false, false, 0, true, false, "away"}};
  view.counters = {{"refused.round_closed", 4}, {"refused_by_participant.coordinator_older", 6}};
  coordinator::StatusFacts facts;
  facts.job_name = "demo";
  facts.pid = 77;
  facts.mirror = mirror;
  return coordinator::StatusJson(view, facts);
}

TEST(Status, IsReadAsTheCoordinatorWritesIt) {
  const Result<StatusSnapshot> status = ParseStatus(Reply());
  ASSERT_TRUE(status.has_value()) << status.error().Text();
  EXPECT_EQ(status->pid, 77);
  EXPECT_EQ(status->phase, "report");
  EXPECT_EQ(status->round, 3U);
  EXPECT_EQ(status->awaited, std::vector<std::string>{"site-01"});
  EXPECT_EQ(status->deadline_in_ms, 58'500);
  EXPECT_EQ(status->accuracy, std::nullopt);
  EXPECT_EQ(status->refusals.at("round_closed"), 4U);
  ASSERT_EQ(status->participants.size(), 2U);
  EXPECT_EQ(status->participants[1].doing, "away");
}

TEST(Status, TheMirrorIsOneLineThatSaysHowFarItIsBehindAndWhyItFails) {
  EXPECT_FALSE(ParseStatus(Reply())->mirror.has_value());
  EXPECT_EQ(RenderStatus(*ParseStatus(Reply()), std::nullopt).find("mirror"), std::string::npos);
  coordinator::MirrorStatus mirror;
  mirror.dir = "/backup";
  mirror.committed = 5;
  EXPECT_EQ(DescribeMirror(*ParseStatus(Reply(mirror))->mirror), "/backup: no version yet");
  mirror.version = 3;
  EXPECT_EQ(DescribeMirror(*ParseStatus(Reply(mirror))->mirror), "/backup: version 3, 2 behind");
  mirror.damaged = {{1, "chunk 0 of version 1"}, {2, "chunk 4 of version 2"}};
  EXPECT_EQ(DescribeMirror(*ParseStatus(Reply(mirror))->mirror),
            "/backup: version 3, 2 behind; damaged in the state and left out: 1, 2");
  mirror.damaged.clear();
  mirror.same_volume = true;
  EXPECT_EQ(DescribeMirror(*ParseStatus(Reply(mirror))->mirror),
            "/backup: version 3, 2 behind; on the volume of the state, and lost with it");
  mirror.same_volume = false;
  mirror.error = Error{Reason::disk_full, "no room"};
  const std::string page = RenderStatus(*ParseStatus(Reply(mirror)), std::nullopt);
  EXPECT_NE(page.find("mirror       /backup: version 3, 2 behind; disk_full: no room\n"),
            std::string::npos)
      << page;
}

TEST(Status, ParticipantsThatWillNotFollowAreShown) {
  const StatusSnapshot status = ParseStatus(Reply()).value();
  EXPECT_EQ(status.refused_by_participants.at("coordinator_older"), 6U);
  EXPECT_FALSE(status.refusals.contains("coordinator_older"));
  const std::string page = RenderStatus(status, std::nullopt);
  EXPECT_NE(page.find("\nrefused by participants: coordinator_older 6\n"), std::string::npos)
      << page;
}

TEST(Status, WaitIsOneSentence) {
  const std::string text = DescribeWait(ParseStatus(Reply()).value());
  EXPECT_EQ(text, "updates of site-01 for 1.5 s, at most 58.5 s more; then: the round closes");
}

TEST(Status, PidsOfProcessesAreAdded) {
  RunState run;
  run.supervisor_pid = 5;
  run.processes = {{{"site-01", "site-02"}, 42, 0}};
  const auto object = nlohmann::json::parse(StatusWithPids(Reply(), run));
  EXPECT_EQ(object["supervisor_pid"], 5);
  EXPECT_EQ(object["pid"], 77);
  EXPECT_EQ(object["participants"][1]["pid"], 42);
  EXPECT_FALSE(object["participants"][0].contains("pid"));
  const std::string page = RenderStatus(ParseStatus(Reply()).value(), run);
  EXPECT_NE(page.find("42"), std::string::npos) << page;
}

TEST(Status, HostileAnswersAreErrors) {
  for (const char* text : {"", "[]", "{}", R"({"ok":true})", R"({"ok":false})", "{\"ok\":3}"}) {
    EXPECT_FALSE(ParseStatus(text).has_value()) << text;
  }
}

TEST(Status, RefusalIsPassedOn) {
  const auto status = ParseStatus(R"({"ok":false,"reason":"busy","message":"not now"})");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, "the coordinator refuses: not now");
}

}  // namespace
}  // namespace muster::cli
