// What members took, and the deadlines that follow: against numbers worked by hand.
#include "coordinator/core/pace.h"

#include <gtest/gtest.h>

#include "common/limits.h"

namespace muster::coordinator {
namespace {

constexpr RosterIndex kMember = 3;

UpdateId IdOf(Round round, Slot slot = kMember) { return {1, round, slot, 0}; }

/// One update of `member` that takes so long.
void Take(Pace& pace, RosterIndex member, Round round, std::int64_t took_ms) {
  const UpdateId id = IdOf(round, member);
  pace.OnTask(member, id, 1'000);
  pace.OnWhole(member, id, 1'000 + took_ms);
  pace.OnAccepted(member, id);
}

PaceEstimate Seen(std::int64_t median_ms, std::int64_t mad_ms,
                  std::size_t updates = kPaceUpdatesLeast) {
  return {updates, median_ms, mad_ms};
}

DeadlineRule Adaptive(std::int64_t most_ms, std::int64_t k_milli) {
  return {DeadlineKind::adaptive, most_ms, k_milli};
}

TEST(PaceMedian, IsTheMiddleOneAndOfTwoTheLarger) {
  EXPECT_EQ(Median({}), 0);
  EXPECT_EQ(Median({7}), 7);
  EXPECT_EQ(Median({9, 1, 5}), 5);
  EXPECT_EQ(Median({9, 1, 5, 7}), 7);
}

TEST(PaceTest, MedianAndMadAreOfAllMembers) {
  Pace pace(4);
  // 10 20 30 40 1000: median 30; deviations 20 10 0 10 970, ascending 0 10 10 20 970: MAD 10.
  Take(pace, 0, 1, 10);
  Take(pace, 1, 1, 1'000);
  Take(pace, 2, 1, 30);
  Take(pace, 0, 2, 40);
  Take(pace, 1, 2, 20);
  EXPECT_EQ(pace.Estimate().updates, 5U);
  EXPECT_EQ(pace.Estimate().median_ms, 30);
  EXPECT_EQ(pace.Estimate().mad_ms, 10);
}

TEST(PaceTest, NothingSeenIsNothingEstimated) {
  const Pace pace(4);
  EXPECT_EQ(pace.Estimate().updates, 0U);
  EXPECT_EQ(pace.Estimate().median_ms, 0);
  EXPECT_EQ(pace.Of(0).updates, 0U);
}

TEST(PaceTest, OnlyTheLastUpdatesCount) {
  Pace pace(1);
  ASSERT_EQ(Pace::UpdatesMax(1), 32U);
  for (Round round = 1; round <= 100; ++round) Take(pace, kMember, round, 900);
  for (Round round = 101; round <= 132; ++round) Take(pace, kMember, round, 20);
  EXPECT_EQ(pace.Estimate().updates, 32U);
  EXPECT_EQ(pace.Estimate().median_ms, 20);
  EXPECT_EQ(pace.Estimate().mad_ms, 0);
}

TEST(PaceTest, FourRoundsAreRememberedWithinLimits) {
  EXPECT_EQ(Pace::UpdatesMax(100), 400U);
  EXPECT_EQ(Pace::UpdatesMax(limits::kUpdatesPerCommitMax), kPaceUpdatesMax);
}

TEST(PaceTest, AnUpdateThatWasNotAcceptedDoesNotCount) {
  Pace pace(1);
  pace.OnTask(kMember, IdOf(1), 0);
  pace.OnWhole(kMember, IdOf(1), 500);
  EXPECT_EQ(pace.Estimate().updates, 0U);
}

TEST(PaceTest, AnUpdateWhoseTaskAnEarlierLifeGaveDoesNotCount) {
  Pace pace(1);
  pace.OnWhole(kMember, IdOf(1), 500);
  pace.OnAccepted(kMember, IdOf(1));
  pace.OnTask(kMember, IdOf(2), 600);
  pace.OnWhole(kMember, IdOf(1), 700);
  pace.OnAccepted(kMember, IdOf(1));
  EXPECT_EQ(pace.Estimate().updates, 0U);
}

TEST(PaceTest, TasksOfRoundsThatAnEarlierLifeOpenedAreNotTimed) {
  Pace pace(1);
  pace.StartBehind(7);
  Take(pace, kMember, 7, 50);
  EXPECT_EQ(pace.Estimate().updates, 0U);
  Take(pace, kMember, 8, 50);
  EXPECT_EQ(pace.Estimate().updates, 1U);
}

TEST(PaceTest, AnUpdateThatIsAskedForAgainAfterItsAcceptCountsOnce) {
  Pace pace(1);
  Take(pace, kMember, 1, 30'000);
  Take(pace, kMember, 1, 40);
  EXPECT_EQ(pace.Estimate().updates, 1U);
  EXPECT_EQ(pace.Of(kMember).last_ms, 30'000);
}

TEST(PaceTest, ATaskBeginsWhenItIsGivenFirst) {
  Pace pace(1);
  EXPECT_FALSE(pace.BeganAfter(kMember, 0));
  pace.OnTask(kMember, IdOf(1), 100);
  pace.OnTask(kMember, IdOf(1), 300);
  EXPECT_TRUE(pace.BeganAfter(kMember, 99));
  EXPECT_FALSE(pace.BeganAfter(kMember, 100));
}

TEST(PaceTest, AnUpdateCountsOnce) {
  Pace pace(1);
  Take(pace, kMember, 1, 10);
  pace.OnAccepted(kMember, IdOf(1));
  EXPECT_EQ(pace.Estimate().updates, 1U);
}

TEST(PaceTest, ATaskThatIsGivenAgainIsTimedFromTheFirst) {
  Pace pace(1);
  pace.OnTask(kMember, IdOf(1), 100);
  pace.OnTask(kMember, IdOf(1), 5'000);
  pace.OnWhole(kMember, IdOf(1), 6'100);
  pace.OnAccepted(kMember, IdOf(1));
  EXPECT_EQ(pace.Of(kMember).last_ms, 6'000);
}

TEST(PaceTest, AGapOfTheLoopIsNobodysTime) {
  Pace pace(1);
  pace.OnTask(kMember, IdOf(1), 100);
  pace.OnGap(50'000);
  pace.OnWhole(kMember, IdOf(1), 50'350);
  pace.OnAccepted(kMember, IdOf(1));
  EXPECT_EQ(pace.Of(kMember).last_ms, 250);
}

TEST(PaceTest, AMembersTypicalTimeIsTheMedianOfItsLast) {
  Pace pace(4);
  for (Round round = 1; round <= 20; ++round) Take(pace, 1, round, 10);
  for (Round round = 21; round <= 28; ++round) Take(pace, 1, round, 70 + round % 3);
  Take(pace, 2, 1, 4'000);
  EXPECT_EQ(pace.Of(1).updates, 28U);
  EXPECT_EQ(pace.Of(1).last_ms, 71);
  EXPECT_EQ(pace.Of(1).typical_ms, 71);
  EXPECT_EQ(pace.Of(2).typical_ms, 4'000);
  EXPECT_EQ(pace.Of(9).updates, 0U);
}

TEST(PaceTest, ALateUpdateCountsOnceHoweverOftenItIsOffered) {
  Pace pace(4);
  pace.OnLate(1, IdOf(1));
  pace.OnLate(1, IdOf(1));
  pace.OnLate(1, IdOf(2));
  pace.OnMissed(2);
  pace.OnMissed(2);
  EXPECT_EQ(pace.Of(1).late, 2U);
  EXPECT_EQ(pace.Of(1).missed, 0U);
  EXPECT_EQ(pace.Of(2).missed, 2U);
}

TEST(AdaptDeadline, IsMedianAndKTimesMad) {
  EXPECT_EQ(AdaptDeadline(Adaptive(60'000, 5'000), Seen(2'000, 300), 1), 3'500);
  EXPECT_EQ(AdaptDeadline(Adaptive(60'000, 2'500), Seen(2'000, 300), 1), 2'750);
  EXPECT_EQ(AdaptDeadline(Adaptive(60'000, 0), Seen(2'000, 300), 1), 2'000);
}

TEST(AdaptDeadline, RoundsUp) {
  EXPECT_EQ(AdaptDeadline(Adaptive(60'000, 1'001), Seen(2'000, 300), 1), 2'301);
}

TEST(AdaptDeadline, ASpreadOfNothingCountsAsATwentiethOfTheMedian) {
  EXPECT_EQ(AdaptDeadline(Adaptive(60'000, 5'000), Seen(2'000, 0), 1), 2'500);
}

TEST(AdaptDeadline, LiesBetweenTheMinimumAndTheMost) {
  EXPECT_EQ(AdaptDeadline(Adaptive(60'000, 5'000), Seen(10, 1), 1), kAdaptiveDeadlineMsMin);
  EXPECT_EQ(AdaptDeadline(Adaptive(60'000, 5'000), Seen(50'000, 9'000), 1), 60'000);
  EXPECT_EQ(AdaptDeadline(Adaptive(400, 5'000), Seen(10, 1), 1), 400);
}

TEST(AdaptDeadline, IsTheMostUntilEnoughWasSeen) {
  const DeadlineRule rule = Adaptive(60'000, 5'000);
  EXPECT_EQ(AdaptDeadline(rule, Seen(2'000, 300, kPaceUpdatesLeast - 1), 1), 0);
  EXPECT_EQ(DeadlineInForce(rule, 0), 60'000);
  EXPECT_EQ(AdaptDeadline(rule, Seen(2'000, 300, kPaceUpdatesLeast), 1), 3'500);
}

TEST(AdaptDeadline, DoublesWithEachAttemptUpToTheMost) {
  const DeadlineRule rule = Adaptive(12'000, 5'000);
  EXPECT_EQ(AdaptDeadline(rule, Seen(2'000, 300), 2), 7'000);
  EXPECT_EQ(AdaptDeadline(rule, Seen(2'000, 300), 3), 12'000);
  EXPECT_EQ(AdaptDeadline(rule, Seen(2'000, 300), 4'000'000'000), 12'000);
}

TEST(AdaptDeadline, TheLongestTimesDoNotOverflow) {
  const DeadlineRule rule = Adaptive(limits::kDurationMsMax, kDeadlineKMilliMax);
  EXPECT_EQ(AdaptDeadline(rule, Seen(limits::kDurationMsMax, limits::kDurationMsMax), 1),
            limits::kDurationMsMax);
}

TEST(AdaptDeadline, AFixedOneIsTheMost) {
  const DeadlineRule rule = {DeadlineKind::fixed, 60'000, 5'000};
  EXPECT_EQ(AdaptDeadline(rule, Seen(2'000, 300), 1), 0);
  EXPECT_EQ(DeadlineInForce(rule, 0), 60'000);
}

TEST(DeadlineInForce, FollowsARuleThatChangedAtARestart) {
  EXPECT_EQ(DeadlineInForce(Adaptive(60'000, 5'000), 3'500), 3'500);
  EXPECT_EQ(DeadlineInForce(Adaptive(2'000, 5'000), 3'500), 2'000) << "deadline_s is the most";
  EXPECT_EQ(DeadlineInForce({DeadlineKind::fixed, 60'000, 5'000}, 3'500), 60'000);
}

TEST(DeadlineText, SaysWhichDeadlineAndWhy) {
  const DeadlineRule rule = Adaptive(60'000, 2'500);
  EXPECT_EQ(DeadlineText({DeadlineKind::fixed, 60'000, 0}, 0, {}, 1),
            "the deadline of 60.0 s is fixed");
  EXPECT_EQ(DeadlineText(rule, 0, Seen(10, 1, 3), 1),
            "the deadline of 60.0 s is the longest allowed: 3 of the 8 updates were seen that an "
            "adaptive one needs");
  EXPECT_EQ(
      DeadlineText(rule, 2'750, Seen(2'000, 300, 40), 1),
      "the deadline of 2.7 s is adaptive: median 2.0 s and MAD 300 ms of the last 40 updates, "
      "k = 2.5");
  EXPECT_EQ(
      DeadlineText(rule, 5'500, Seen(2'000, 300, 40), 2),
      "the deadline of 5.5 s is adaptive: median 2.0 s and MAD 300 ms of the last 40 updates, "
      "k = 2.5, doubled with each attempt");
  EXPECT_EQ(DeadlineText(rule, 2'750, {}, 1),
            "the deadline of 2.7 s is adaptive, of an earlier start");
}

TEST(ShortDuration, HasTheUnitThatFits) {
  EXPECT_EQ(ShortDuration(0), "0 ms");
  EXPECT_EQ(ShortDuration(999), "999 ms");
  EXPECT_EQ(ShortDuration(1'050), "1.0 s");
  EXPECT_EQ(ShortDuration(99'999), "99.9 s");
  EXPECT_EQ(ShortDuration(150'000), "2.5 min");
  EXPECT_EQ(ShortDuration(7'200'000), "2.0 h");
}

}  // namespace
}  // namespace muster::coordinator
