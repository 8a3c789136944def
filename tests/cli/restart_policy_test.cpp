#include "cli/restart_policy.h"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

constexpr ChildExit kKilled = {true, 9};

TEST(RestartPolicy, FirstDeathIsFollowedAtOnceTheOthersByBackOff) {
  RestartPolicy policy;
  for (const std::int64_t delay : {0, 300, 1'200, 4'800}) {
    const RestartDecision decision = policy.OnExit(kKilled);
    EXPECT_EQ(decision.verdict, RestartVerdict::again);
    EXPECT_EQ(decision.delay_ms, delay);
  }
}

TEST(RestartPolicy, FifthDeathWithoutProgressIsTooMany) {
  RestartPolicy policy;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(policy.OnExit(kKilled).verdict, RestartVerdict::again);
  EXPECT_EQ(policy.OnExit(kKilled).verdict, RestartVerdict::too_many);
  EXPECT_EQ(policy.restarts(), 4U);
}

TEST(RestartPolicy, ProgressForgivesButRestartsStayCounted) {
  RestartPolicy policy;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(policy.OnExit(kKilled).verdict, RestartVerdict::again);
    policy.OnProgress();
  }
  EXPECT_EQ(policy.restarts(), 40U);
  EXPECT_EQ(policy.OnExit(kKilled).delay_ms, 0);
  EXPECT_EQ(policy.OnExit(kKilled).delay_ms, kBackOffMsMin);
}

TEST(RestartPolicy, EndingForWantOfRoomIsNoDeath) {
  RestartPolicy policy;
  for (int i = 0; i < 100; ++i) {
    const RestartDecision decision = policy.OnExit({false, 9}, /*volume_full=*/true);
    EXPECT_EQ(decision.verdict, RestartVerdict::no_room);
    EXPECT_EQ(decision.delay_ms, kBackOffMsMax);
  }
  EXPECT_EQ(policy.restarts(), 0U);
  EXPECT_EQ(policy.OnExit(kKilled).delay_ms, 0);
}

TEST(RestartPolicy, OnAFullVolumeOtherEndsAreDeathsAllTheSame) {
  RestartPolicy policy;
  EXPECT_EQ(policy.OnExit(kKilled, true).verdict, RestartVerdict::again);
  EXPECT_EQ(policy.OnExit({false, 1}, true).verdict, RestartVerdict::again);
  EXPECT_EQ(policy.OnExit({false, 7}, true).verdict, RestartVerdict::hopeless);
}

TEST(RestartPolicy, AFailingDiskWithRoomIsADeath) {
  RestartPolicy policy;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(policy.OnExit({false, 9}).verdict, RestartVerdict::again);
  EXPECT_EQ(policy.OnExit({false, 9}).verdict, RestartVerdict::too_many);
}

TEST(RestartPolicy, HopelessCodesAreNotTriedAgain) {
  for (const int code : {2, 5, 6, 7, 8, 10, 11}) {
    RestartPolicy policy;
    EXPECT_EQ(policy.OnExit({false, code}).verdict, RestartVerdict::hopeless) << code;
    EXPECT_EQ(policy.restarts(), 0U);
  }
}

TEST(RestartPolicy, SignalWithTheNumberOfAHopelessCodeIsNone) {
  RestartPolicy policy;
  EXPECT_EQ(policy.OnExit({true, 11}).verdict, RestartVerdict::again);
}

TEST(RestartPolicy, ExitsAreNamed) {
  EXPECT_EQ((ChildExit{true, 9}).Text(), "signal 9");
  EXPECT_EQ((ChildExit{false, 1}).Text(), "code 1");
}

TEST(TextOfTooMany, SilentDeathsAreExplained) {
  EXPECT_EQ(TextOfTooMany("site-1", "code 1", "no luck"),
            "site-1 ended 5 times without a new version, at last with code 1: no luck");
  EXPECT_EQ(TextOfTooMany("site-1", "signal 9", ""),
            "site-1 ended 5 times without a new version, at last with signal 9; it said nothing: "
            "somebody kills it, or the system does for want of memory (see dmesg)");
}

}  // namespace
}  // namespace muster::cli
