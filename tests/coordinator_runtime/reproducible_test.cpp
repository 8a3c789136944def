#include "coordinator/runtime/reproducible.h"

#include <gtest/gtest.h>

#include "tests/coordinator_runtime/sample_jobs.h"

namespace muster::coordinator {
namespace {

using muster::testing::RosterOf;
using muster::testing::SyntheticJob;

class ReproducibilityTest : public ::testing::Test {
 protected:
  /// A round whose first-drawn slots all delivered.
  void Round(std::vector<Slot> drawn, std::vector<RosterIndex> eligible = {0, 1, 2}) {
    Deliver(drawn, drawn, std::move(eligible));
  }
  void Deliver(std::vector<Slot> drawn, std::vector<Slot> accepted,
               std::vector<RosterIndex> eligible = {0, 1, 2}) {
    RoundRecord record;
    record.round = record.version = ++round_;
    record.eligible = std::move(eligible);
    record.first_drawn = std::move(drawn);
    for (const Slot slot : accepted) {
      record.accepted.push_back({.id = {1, record.round, slot, 0}, .weight = 1});
    }
    record.closed_by_deadline = by_deadline_;
    record.attempts = attempts_;
    records_.push_back(std::move(record));
  }
  Reproducibility Verdict() {
    ReproducibilityJudge judge(job_, deterministic_, lineages_, RosterOf(4));
    for (const RoundRecord& record : records_) judge.Add(record);
    return judge.Verdict();
  }
  std::vector<ReproducibilityCause> Causes() {
    const Reproducibility verdict = Verdict();
    EXPECT_EQ(verdict.reproducible, verdict.causes.empty());
    return verdict.causes;
  }

  JobSpec job_ = SyntheticJob(3);
  bool deterministic_ = true;
  bool by_deadline_ = false;
  Attempt attempts_ = 1;
  std::vector<LineageRecord> lineages_ = {LineageRecord{{1, 5}, 0, 0}};
  std::vector<RoundRecord> records_;
  muster::Round round_ = 0;
};

using CauseList = std::vector<ReproducibilityCause>;

TEST_F(ReproducibilityTest, ARunWhereAllDeliverIsReproducible) {
  Round({0, 1});
  Round({1, 2});
  const Reproducibility verdict = Verdict();
  EXPECT_TRUE(verdict.reproducible);
  EXPECT_EQ(verdict.attempts, 2U);
}

TEST_F(ReproducibilityTest, AnotherAttemptWithTheSameSlotsChangesNothing) {
  attempts_ = 3;
  Round({0, 1});
  EXPECT_EQ(Causes(), CauseList{});
  EXPECT_EQ(Verdict().attempts, 3U);
}

// Its slots are blocks that follow from the job: who was there is no part of the records.
TEST_F(ReproducibilityTest, ElasticDataIsReproducibleThoughItsHoldersAreWhoIsPresent) {
  job_.data.access = DataAccess::elastic;
  job_.round.select_from = SelectFrom::present;
  Round({0, 1, 2, 3, 4}, {});
  Round({0, 1}, {});
  EXPECT_EQ(Causes(), CauseList{});
  Deliver({0, 1, 2}, {0, 2}, {});
  const CauseList expected = {{3, Reason::round_closed, "block 1"}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, ADeadlineThatCutsSomebodyOffIsACause) {
  by_deadline_ = true;
  Deliver({0, 1, 2}, {0, 2});
  const CauseList expected = {{1, Reason::deadline_passed, "site-1"}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, ADeadlineThatCutsNobodyOffIsNone) {
  by_deadline_ = true;
  Round({0, 1});
  EXPECT_EQ(Causes(), CauseList{});
}

TEST_F(ReproducibilityTest, ALateUpdateIsACauseAndFillsNoSlotOfItsVersion) {
  Deliver({0, 1}, {1});
  Round({1});
  records_.back().accepted.push_back({.id = {1, 1, 0, 0}, .weight = 1});
  const CauseList expected = {{1, Reason::round_closed, "site-0"},
                              {2, Reason::late_folded, "site-0"}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, TheSlowerOfTooManySelectedIsACause) {
  Round({0, 1});
  Deliver({0, 1, 2}, {0, 1});
  const CauseList expected = {{2, Reason::round_closed, "site-2"}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, AReplacedSlotNamesBothSides) {
  Deliver({0, 1}, {0, 2});
  const CauseList expected = {{1, Reason::round_closed, "site-1"}, {1, Reason::replaced, "site-2"}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, ARosterThatGrowsLaterIsACauseOnceNamed) {
  Round({0, 1});
  Round({0, 1}, {0, 1, 2, 3});
  Round({0, 1}, {0, 1, 2, 3});
  const CauseList expected = {{2, Reason::roster_changed, "site-3"}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, ARosterThatShrinksIsACause) {
  Round({0, 1});
  Round({0, 1}, {0, 1});
  const CauseList expected = {{2, Reason::roster_changed, "site-2"}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, WhoIsConnectedIsNoRosterThatChanges) {
  job_.round.select_from = SelectFrom::present;
  Round({0, 1}, {0, 1});
  Round({1, 2}, {1, 2});
  const CauseList expected = {{0, Reason::selected_from_present, ""}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, AMemberThatTheRefillAddsIsNoCauseOfItsOwn) {
  job_.round.select_from = SelectFrom::present;
  by_deadline_ = true;
  Deliver({0, 1}, {0, 2});
  const CauseList expected = {{0, Reason::selected_from_present, ""}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, WhatElseBreaksARunIsNamedBesideThosePresent) {
  job_.round.select_from = SelectFrom::present;
  deterministic_ = false;
  Round({0, 1});
  const CauseList expected = {{0, Reason::selected_from_present, ""},
                              {0, Reason::trainer_not_deterministic, ""}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, ATrainerWithoutItsPromiseIsACause) {
  deterministic_ = false;
  const CauseList expected = {{0, Reason::trainer_not_deterministic, ""}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, ClientSideStateThatWasLostIsACauseWhereTheJobKeepsSome) {
  Round({0, 1});
  Round({1, 2});
  Round({0, 1, 2});
  records_[1].accepted[0].client_version = 1;
  records_[2].accepted[0].client_version = 1;
  records_[2].accepted[2].client_version = 2;
  EXPECT_EQ(Causes(), CauseList{});
  job_.train.optimizer = Optimizer::adamw;
  const CauseList expected = {{3, Reason::client_state_lost, "site-1"}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, ASecondLineageIsACause) {
  lineages_.push_back({{2, 6}, 1, 4});
  const CauseList expected = {{0, Reason::lineage_forked, ""}};
  EXPECT_EQ(Causes(), expected);
}

TEST_F(ReproducibilityTest, VersionZeroSaysNothing) {
  records_.push_back(RoundRecord{});
  Round({0, 1});
  EXPECT_EQ(Causes(), CauseList{});
}

TEST_F(ReproducibilityTest, TheListOfCausesEndsAndTheirCountDoesNot) {
  const std::size_t rounds = ReproducibilityJudge::kCausesMax + 5;
  for (std::size_t i = 0; i < rounds; ++i) Deliver({0, 1}, {0});
  EXPECT_EQ(Verdict().causes.size(), ReproducibilityJudge::kCausesMax);
  EXPECT_EQ(Verdict().cause_count, rounds);
}

TEST_F(ReproducibilityTest, ALineageAndTheCopyItBeginsWithAreOneCause) {
  lineages_.push_back({{2, 6}, 1, 1});
  Round({0, 1});
  RoundRecord copy;
  copy.round = copy.version = ++round_;
  copy.lineage = 2;
  copy.attempts = 0;
  records_.push_back(copy);
  const CauseList expected = {{2, Reason::lineage_forked, ""}};
  EXPECT_EQ(Causes(), expected);
  EXPECT_EQ(Verdict().cause_count, 1U);
}

TEST_F(ReproducibilityTest, ACopyIsTheOnlyCauseAndTookNoAttempt) {
  Round({0, 1});
  RoundRecord copy;
  copy.round = copy.version = ++round_;
  copy.attempts = 0;
  records_.push_back(copy);
  Round({1, 2});
  const CauseList expected = {{2, Reason::lineage_forked, ""}};
  EXPECT_EQ(Causes(), expected);
  EXPECT_EQ(Verdict().attempts, 2U);
}

}  // namespace
}  // namespace muster::coordinator
