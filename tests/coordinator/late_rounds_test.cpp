#include "coordinator/core/late_rounds.h"

#include <gtest/gtest.h>

namespace muster::coordinator {
namespace {

RoundSpec Folding(std::uint32_t staleness_max) {
  RoundSpec round;
  round.late = LatePolicy::fold;
  round.staleness_max = staleness_max;
  return round;
}

RoundRecord RecordOf(Round round, std::vector<Slot> unfinished) {
  RoundRecord record;
  record.round = record.version = round;
  record.parent = round - 1;
  record.unfinished = std::move(unfinished);
  return record;
}

std::optional<Reason> Judged(const LateRounds& rounds, const UpdateId& id, Version base) {
  const auto refused = rounds.Judge(id, base);
  return refused ? std::optional(refused->reason) : std::nullopt;
}

TEST(LateRounds, TakesWhatARoundLeftUnfinishedOnItsBase) {
  LateRounds rounds(Folding(3), {});
  rounds.OnCommitted(RecordOf(1, {2, 5}));
  EXPECT_EQ(rounds.BaseOf(1), 0U);
  EXPECT_EQ(Judged(rounds, {1, 1, 5, 0}, 0), std::nullopt);
  EXPECT_EQ(Judged(rounds, {1, 1, 5, 0}, 1), Reason::base_version_wrong);
  EXPECT_EQ(Judged(rounds, {1, 1, 4, 0}, 0), Reason::round_closed);
  EXPECT_EQ(Judged(rounds, {1, 1, 5, 1}, 0), Reason::round_closed);
}

// With version 3 as the parent an update on version 0 is three versions stale, and on 4 four.
TEST(LateRounds, ForgetsARoundWhenItsUpdatesAreTooStale) {
  LateRounds rounds(Folding(3), {});
  for (Round round = 1; round <= 3; ++round) rounds.OnCommitted(RecordOf(round, {7}));
  EXPECT_EQ(Judged(rounds, {1, 1, 7, 0}, 0), std::nullopt);
  rounds.OnCommitted(RecordOf(4, {}));
  EXPECT_EQ(Judged(rounds, {1, 1, 7, 0}, 0), Reason::too_stale);
  EXPECT_EQ(rounds.BaseOf(1), std::nullopt);
  EXPECT_EQ(Judged(rounds, {1, 2, 7, 0}, 1), std::nullopt);
}

TEST(LateRounds, GoesOnWithWhatAStartFound) {
  LateRounds rounds(Folding(2), {{4, 3, {1}}, {5, 4, {0, 1}}});
  EXPECT_EQ(Judged(rounds, {1, 4, 1, 0}, 3), std::nullopt);
  EXPECT_EQ(Judged(rounds, {1, 5, 0, 0}, 4), std::nullopt);
  EXPECT_EQ(Judged(rounds, {1, 3, 1, 0}, 2), Reason::too_stale);
}

TEST(LateRounds, WhatWasRefusedForGoodIsNotTakenAgain) {
  LateRounds rounds(Folding(2), {{4, 3, {1, 2}}});
  rounds.OnRefused({1, 4, 1, 0});
  EXPECT_EQ(Judged(rounds, {1, 4, 1, 0}, 3), Reason::round_closed);
  EXPECT_EQ(Judged(rounds, {1, 4, 2, 0}, 3), std::nullopt);
}

TEST(LateRounds, OtherJobsTakeNone) {
  LateRounds rounds(RoundSpec(), {});
  rounds.OnCommitted(RecordOf(1, {2}));
  EXPECT_EQ(Judged(rounds, {1, 1, 2, 0}, 0), Reason::round_closed);
}

}  // namespace
}  // namespace muster::coordinator
