#include "participant/core/trust.h"

#include <gtest/gtest.h>

#include "common/digest.h"
#include "tests/participant/jobs.h"

namespace muster::participant {
namespace {

class TrustTest : public ::testing::Test {
 protected:
  TrustTest() {
    options_.name = "hospital-2";
    welcome_.job = EncodeJob(SmallJob());
    welcome_.job_digest = Sha256Of(welcome_.job);
    welcome_.lease_ms = 1'000;
    SetLineages({{{1, 11}, 0, 0}});
    welcome_.epoch = {5, 50};
    welcome_.head = 9;
  }

  void SetLineages(std::vector<LineageRecord> lineages) { welcome_.lineages = std::move(lineages); }
  void HasSeen(LineageId lineage, Epoch epoch, Version version) {
    known_.seen = SeenState{lineage, epoch, version};
  }
  void Retains(Version base) {
    known_.retained = RetainedUpdate{{1, base + 1, 2, 0}, {}, 64, 1, base};
  }
  WelcomeVerdict Judge() {
    const Fence fence{welcome_.lineages.empty() ? 0 : welcome_.lineages.back().id.number,
                      welcome_.epoch};
    return JudgeWelcome(welcome_, fence, options_, known_);
  }
  void ExpectFollow() {
    const WelcomeVerdict verdict = Judge();
    EXPECT_EQ(verdict.kind, WelcomeVerdict::Kind::follow) << verdict.text;
    EXPECT_EQ(verdict.seen.version, welcome_.head);
    EXPECT_EQ(verdict.seen.epoch, welcome_.epoch);
  }
  void ExpectRetry(Reason reason) { Expect(WelcomeVerdict::Kind::refuse_and_retry, reason); }
  void ExpectStop(Reason reason) { Expect(WelcomeVerdict::Kind::refuse_and_stop, reason); }
  void Expect(WelcomeVerdict::Kind kind, Reason reason) {
    const WelcomeVerdict verdict = Judge();
    EXPECT_EQ(verdict.kind, kind) << verdict.text;
    EXPECT_EQ(ReasonName(verdict.reason), ReasonName(reason));
    EXPECT_FALSE(verdict.text.empty());
  }

  ParticipantOptions options_;
  DurableState known_;
  Welcome welcome_;
};

TEST_F(TrustTest, AStrangerFollowsAnyCoordinator) { ExpectFollow(); }

TEST_F(TrustTest, TheSameEpochAgainIsAReconnect) {
  HasSeen({1, 11}, {5, 50}, 9);
  ExpectFollow();
}

TEST_F(TrustTest, ALowerEpochIsOlder) {
  HasSeen({1, 11}, {6, 50}, 9);
  ExpectRetry(Reason::coordinator_older);
}

TEST_F(TrustTest, ALowerHeadIsOlderEvenInANewerEpoch) {
  HasSeen({1, 11}, {4, 40}, 10);
  ExpectRetry(Reason::coordinator_older);
}

TEST_F(TrustTest, TheSameEpochWithAnotherNonceIsASplitBrain) {
  HasSeen({1, 11}, {5, 51}, 0);
  ExpectStop(Reason::split_brain);
}

TEST_F(TrustTest, AnotherNonceOfTheLineageIsAnUnknownLineage) {
  HasSeen({1, 12}, {1, 1}, 0);
  ExpectStop(Reason::unknown_lineage);
}

TEST_F(TrustTest, ACoordinatorBeforeTheForkIsOlder) {
  HasSeen({2, 22}, {1, 1}, 3);
  ExpectRetry(Reason::coordinator_older);
}

TEST_F(TrustTest, AForkKeepsWorkOnWhatItKept) {
  SetLineages({{{1, 11}, 0, 0}, {{2, 22}, 1, 6}});
  HasSeen({1, 11}, {8, 80}, 20);
  Retains(6);
  ExpectFollow();
  EXPECT_FALSE(Judge().drop_retained);
}

TEST_F(TrustTest, AForkDropsWorkBeyondIt) {
  SetLineages({{{1, 11}, 0, 0}, {{2, 22}, 1, 6}});
  HasSeen({1, 11}, {8, 80}, 20);
  Retains(7);
  ExpectFollow();
  EXPECT_TRUE(Judge().drop_retained);
}

TEST_F(TrustTest, TheEarliestForkOfThePathCounts) {
  SetLineages({{{1, 11}, 0, 0}, {{2, 22}, 1, 6}, {{3, 33}, 2, 4}});
  HasSeen({1, 11}, {8, 80}, 20);
  Retains(5);
  EXPECT_TRUE(Judge().drop_retained);
  Retains(4);
  EXPECT_FALSE(Judge().drop_retained);
}

TEST_F(TrustTest, ASiblingLineageIsUnknown) {
  SetLineages({{{1, 11}, 0, 0}, {{2, 22}, 1, 6}, {{3, 33}, 1, 5}});
  HasSeen({2, 22}, {1, 1}, 3);
  ExpectStop(Reason::unknown_lineage);
}

TEST_F(TrustTest, AHistoryThatIsNoHistoryIsMalformed) {
  SetLineages({});
  ExpectRetry(Reason::malformed_message);
  SetLineages({{{2, 22}, 0, 0}, {{1, 11}, 0, 0}});
  ExpectRetry(Reason::malformed_message);
  SetLineages({{{1, 11}, 1, 0}});
  ExpectRetry(Reason::malformed_message);
}

TEST_F(TrustTest, AHeaderOfAnotherFenceIsMalformed) {
  EXPECT_EQ(JudgeWelcome(welcome_, Fence{1, {4, 50}}, options_, known_).reason,
            Reason::malformed_message);
}

TEST_F(TrustTest, AnotherJobIsRefused) {
  known_.job = Sha256Digest{};
  ExpectStop(Reason::wrong_job);
}

TEST_F(TrustTest, AJobUnderAFalseDigestIsMalformed) {
  welcome_.job_digest[0] ^= std::byte{1};
  ExpectRetry(Reason::malformed_message);
}

TEST_F(TrustTest, AJobThatCannotBeDecodedStops) {
  welcome_.job.resize(welcome_.job.size() - 1);
  welcome_.job_digest = Sha256Of(welcome_.job);
  EXPECT_EQ(Judge().kind, WelcomeVerdict::Kind::refuse_and_stop);
}

TEST_F(TrustTest, AnIndexWithoutDataIsToldSo) {
  welcome_.index = SmallJob().data.parts;
  ExpectStop(Reason::no_part);
}

TEST_F(TrustTest, AnUnknownProtocolIsRefused) {
  welcome_.protocol = kProtocolVersion + 1;
  ExpectStop(Reason::protocol_unsupported);
}

}  // namespace
}  // namespace muster::participant
