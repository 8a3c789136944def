// Stragglers: what deadlines that adapt and over-selection make of the time of a round, and who is
// named.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/coordinator/straggler_world.h"

namespace muster::coordinator {
namespace {

constexpr std::size_t kRounds = 200;
constexpr DeadlineRule kPatient = {DeadlineKind::fixed, 60'000, 0};
constexpr DeadlineRule kAdapts = {DeadlineKind::adaptive, 60'000, 2'000};

std::int64_t MeanMs(const std::vector<StragglerWorld::Played>& rounds) {
  std::int64_t sum = 0;
  for (const auto& round : rounds) sum += round.took_ms;
  return sum / static_cast<std::int64_t>(rounds.size());
}

std::int64_t MeanOf(double over_select, const DeadlineRule& rule) {
  StragglerWorld::Setup setup{.rule = rule};
  setup.job.round.over_select = over_select;
  return MeanMs(StragglerWorld(setup).Play(kRounds));
}

TEST(StragglerTest, AdaptiveDeadlinesAndOverSelectionShortenRounds) {
  const std::int64_t fixed = MeanOf(1, kPatient);
  const std::int64_t adaptive = MeanOf(1, kAdapts);
  const std::int64_t over_selected = MeanOf(1.5, kPatient);
  const std::int64_t both = MeanOf(1.5, kAdapts);
  EXPECT_LT(adaptive, fixed * 85 / 100) << "fixed " << fixed;
  EXPECT_LT(over_selected, fixed * 75 / 100) << "fixed " << fixed;
  EXPECT_LE(both, over_selected);
}

TEST(StragglerTest, ADeadlineThatAdaptsCutsStragglersOffAndKeepsTheQuorum) {
  StragglerWorld world({.rule = kAdapts});
  std::size_t cut = 0;
  for (const StragglerWorld::Played& round : world.Play(kRounds)) {
    EXPECT_GE(round.accepted, 7U);
    cut += round.by_deadline ? 1 : 0;
    if (round.by_deadline && round.deadline_ms > 0) {
      EXPECT_LE(round.took_ms, round.deadline_ms + kTickMsMax);
    }
  }
  EXPECT_GT(cut, kRounds / 4);
  EXPECT_LT(cut, kRounds);
}

TEST(StragglerTest, TheFirstRoundHasTheLongestDeadlineAndTheNextAnAdaptedOne) {
  StragglerWorld world({.rule = kAdapts});
  const auto rounds = world.Play(2);
  EXPECT_EQ(rounds[0].deadline_ms, 0);
  EXPECT_EQ(rounds[0].accepted, 10U);
  EXPECT_GT(rounds[1].deadline_ms, StragglerWorld::kShortestMs);
  EXPECT_LT(rounds[1].deadline_ms, 10 * StragglerWorld::kShortestMs);
}

TEST(StragglerTest, WhoWasCutOffIsNamed) {
  StragglerWorld world({.rule = kAdapts});
  std::uint64_t short_of_goal = 0;
  for (const StragglerWorld::Played& round : world.Play(kRounds)) {
    if (round.by_deadline) short_of_goal += 10 - round.accepted;
  }
  const StatusView status = world.Status();
  std::uint64_t missed = 0, late = 0, updates = 0;
  for (const ParticipantStatus& member : status.participants) {
    missed += member.pace.missed;
    late += member.pace.late;
    updates += member.pace.updates;
    EXPECT_GT(member.pace.typical_ms, 0) << member.name;
  }
  EXPECT_GE(missed, short_of_goal);
  EXPECT_GE(late, short_of_goal);
  EXPECT_GT(updates, 7 * kRounds);
  EXPECT_EQ(status.deadline.kind, DeadlineKind::adaptive);
  EXPECT_EQ(status.deadline.seen.updates, Pace::UpdatesMax(10));
  EXPECT_NE(status.deadline.why.find("is adaptive: median"), std::string::npos)
      << status.deadline.why;
}

// 20 members at work all the time, ten of their updates a version; a mean duration of 3.4 s.
TEST(StragglerTest, AsyncWaitsForNobody) {
  StragglerWorld::Setup setup{.rule = kPatient};
  setup.job.round.mode = Mode::async;
  setup.job.round.select_from = SelectFrom::present;
  StragglerWorld world(setup);
  const auto rounds = world.Play(kRounds);
  EXPECT_NEAR(static_cast<double>(MeanMs(rounds)), 1'700, 170);
  for (const StragglerWorld::Played& round : rounds) {
    EXPECT_EQ(round.accepted, 10U);
    EXPECT_FALSE(round.by_deadline);
  }
  for (const ParticipantStatus& member : world.Status().participants) {
    EXPECT_EQ(member.pace.late, 0U) << member.name;
  }
}

TEST(StragglerTest, ADurationIsOfTheUpdateOrOfTheMember) {
  const auto duration = [](const UpdateId& id, Slowness slowness) {
    return StragglerWorld::DurationMs(1, id, slowness);
  };
  const UpdateId first{1, 4, 3, 0}, next{1, 4, 3, 1}, later{1, 5, 3, 0}, other{1, 4, 2, 0};
  EXPECT_NE(duration(first, Slowness::of_update), duration(next, Slowness::of_update));
  EXPECT_NE(duration(first, Slowness::of_update), duration(later, Slowness::of_update));
  EXPECT_EQ(duration(first, Slowness::of_member), duration(next, Slowness::of_member));
  EXPECT_EQ(duration(first, Slowness::of_member), duration(later, Slowness::of_member));
  EXPECT_NE(duration(first, Slowness::of_member), duration(other, Slowness::of_member));
}

TEST(StragglerTest, WithoutTheRuleNothingIsAdapted) {
  StragglerWorld world({.rule = kPatient});
  for (const StragglerWorld::Played& round : world.Play(20)) EXPECT_EQ(round.deadline_ms, 0);
  EXPECT_EQ(world.Status().deadline.why, "the deadline of 60.0 s is fixed");
}

}  // namespace
}  // namespace muster::coordinator
