// Who is next among those who wait for a task, and how long an upload may be slow.
#include "coordinator/core/turns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace muster::coordinator {
namespace {

constexpr std::size_t kMembers = 4;
constexpr int kTurnOfAll =
    4;  ///< Everybody has one anyway before it is the first one's turn again.

RosterIndex First(const Turns& turns) {
  const std::vector<RosterIndex> members = {0, 1, 2, 3};
  return *std::ranges::min_element(members, {}, [&](RosterIndex m) { return turns.PlaceOf(m); });
}

/// How many tasks others are given, one at a time and each handed in, before it is `member`'s turn.
int TasksBefore(RosterIndex member, Turns& turns) {
  int tasks = 0;
  while (First(turns) != member) {
    const RosterIndex other = First(turns);
    turns.OnTask(other);
    turns.OnAccepted(other);
    ++tasks;
  }
  return tasks;
}

Turns AllHadOne() {
  Turns turns;
  for (RosterIndex member = 0; member < kMembers; ++member) turns.OnTask(member);
  return turns;
}

TEST(Turns, WhoeverWaitedLongestIsFirst) {
  Turns turns = AllHadOne();
  EXPECT_EQ(First(turns), 0U);
  turns.OnTask(0);
  EXPECT_EQ(First(turns), 1U);
  EXPECT_EQ(TasksBefore(0, turns), 3);
}

TEST(Turns, ATaskThatCameToNothingCostsTurnsTwiceAsManyEachTime) {
  Turns turns = AllHadOne();
  int before = 0;
  for (const int most : {4, 8, 16, 32}) {
    turns.OnMissed(2, kMembers);
    const int tasks = TasksBefore(2, turns);
    EXPECT_GT(tasks, before);
    EXPECT_LE(tasks, most + kTurnOfAll);
    before = tasks;
    turns.OnTask(2);
  }
}

TEST(Turns, NobodyIsShutOutHoweverOftenItMissed) {
  Turns turns = AllHadOne();
  for (int i = 0; i < 1'000; ++i) turns.OnMissed(2, kMembers);
  EXPECT_LE(TasksBefore(2, turns), 4 * 1'024 + kTurnOfAll);
}

TEST(Turns, AnAcceptedUpdateMakesUpForThem) {
  Turns turns = AllHadOne();
  for (int i = 0; i < 5; ++i) turns.OnMissed(2, kMembers);
  turns.OnTask(2);
  turns.OnAccepted(2);
  turns.OnMissed(2, kMembers);
  EXPECT_LE(TasksBefore(2, turns), 4 + kTurnOfAll);
}

TEST(Turns, UploadsThatGaveWayAreCountedUntilOneIsAccepted) {
  Turns turns;
  EXPECT_EQ(turns.YieldsOf(1), 0U);
  turns.OnYield(1);
  turns.OnYield(1);
  EXPECT_EQ(turns.YieldsOf(1), 2U);
  EXPECT_EQ(turns.YieldsOf(0), 0U);
  turns.OnAccepted(1);
  EXPECT_EQ(turns.YieldsOf(1), 0U);
}

}  // namespace
}  // namespace muster::coordinator
