#include "coordinator/runtime/status_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace muster::coordinator {
namespace {

using nlohmann::json;

StatusView SampleView() {
  StatusView view;
  view.round = 4;
  view.rounds = 10;
  view.attempt = 2;
  view.version = 3;
  view.lineage = 1;
  view.epoch = {7, 99};
  view.starts = 7;
  view.goal = 3;
  view.quorum = 2;
  view.accepted = 1;
  view.wait = {Phase::report,
               WaitKind::updates,
               {1, 9},
               1200,
               800,
               "the next attempt opens",
               {{Reason::not_finite, 2}}};
  view.participants = {{0, "a", false, true, 5000, true, true, "accepted"},
                       {1, "b", false, false, 0, true, false, "away"},
                       {2, "c", true, false, 0, false, false, "away"}};
  view.counters = {{"updates_accepted", 10}, {"refused.round_closed", 2}};
  return view;
}

TEST(StatusJsonTest, SaysAllThatTheContractNames) {
  StatusFacts facts;
  facts.job_name = "demo";
  facts.pid = 42;
  facts.bytes_received = 1000;
  facts.bytes_sent = 2000;
  facts.evaluation = EvaluationRecord{3, 100, 0.5, 0.875};
  const json status = json::parse(StatusJson(SampleView(), facts));
  EXPECT_EQ(status.at("ok"), true);
  EXPECT_EQ(status.at("job"), "demo");
  EXPECT_EQ(status.at("job_digest").get<std::string>().size(), 64U);
  EXPECT_EQ(status.at("pid"), 42);
  EXPECT_EQ(status.at("phase"), "report");
  EXPECT_EQ(status.at("round"), 4);
  EXPECT_EQ(status.at("rounds"), 10);
  EXPECT_EQ(status.at("attempt"), 2);
  EXPECT_EQ(status.at("version"), 3);
  EXPECT_EQ(status.at("epoch"), 7);
  EXPECT_EQ(status.at("starts"), 7);
  EXPECT_EQ(status.at("goal"), 3);
  EXPECT_EQ(status.at("quorum"), 2);
  EXPECT_EQ(status.at("accepted"), 1);
  EXPECT_EQ(status.at("accuracy"), 0.875);
  EXPECT_EQ(status.at("loss"), 0.5);
  EXPECT_EQ(status.at("bytes_received"), 1000);
  EXPECT_EQ(status.at("bytes_sent"), 2000);
  const json waiting = {{"for", "updates"},
                        {"whom", {"b", "index 9"}},
                        {"since_ms", 1200},
                        {"deadline_in_ms", 800},
                        {"next", "the next attempt opens"},
                        {"refused", {{"not_finite", 2}}}};
  EXPECT_EQ(status.at("waiting"), waiting);
  EXPECT_EQ(status.at("participants")[0].at("state"), "connected");
  EXPECT_EQ(status.at("participants")[1].at("state"), "away");
  EXPECT_EQ(status.at("participants")[2].at("state"), "revoked");
  EXPECT_EQ(status.at("participants")[0].at("lease_left_ms"), 5000);
}

TEST(StatusJsonTest, RefusalsStandApartAndCoverTheUncounted) {
  StatusFacts facts;
  facts.uncounted_refusals = {{Reason::unknown_key, 5}, {Reason::round_closed, 1}};
  const json status = json::parse(StatusJson(SampleView(), facts));
  EXPECT_EQ(status.at("counters"), (json{{"updates_accepted", 10}}));
  EXPECT_EQ(status.at("refusals"), (json{{"round_closed", 3}, {"unknown_key", 5}}));
}

TEST(StatusJsonTest, WhatThereIsNotIsNull) {
  StatusView view = SampleView();
  view.wait.deadline_in_ms = -1;
  const json status = json::parse(StatusJson(view, {}));
  EXPECT_TRUE(status.at("accuracy").is_null());
  EXPECT_TRUE(status.at("waiting").at("deadline_in_ms").is_null());
}

}  // namespace
}  // namespace muster::coordinator
