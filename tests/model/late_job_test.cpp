// What a job may say that folds late updates.
#include <gtest/gtest.h>

#include <string>

#include "model/job.h"
#include "model/staleness.h"
#include "tests/model/refused_job.h"

namespace muster {
namespace {

JobSpec LateJob() {
  JobSpec job;
  job.data.train_examples = 1'000;
  job.data.test_examples = 100;
  job.data.parts = 8;
  job.round.goal = 4;
  job.round.quorum = 2;
  job.round.over_select = 1.5;
  job.round.late = LatePolicy::fold;
  return job;
}

TEST(LateJob, GoesWithWhatStepsOnTheMeanAndBothSelections) {
  for (const StrategyKind kind : {StrategyKind::fedavg, StrategyKind::fedadam,
                                  StrategyKind::fednova, StrategyKind::fedprox}) {
    JobSpec job = LateJob();
    job.strategy.kind = kind;
    if (kind == StrategyKind::fedprox) job.strategy.proximal_mu = 0.1;
    EXPECT_TRUE(ValidateJob(job).has_value()) << static_cast<int>(kind);
    job.round.select_from = SelectFrom::present;
    EXPECT_TRUE(ValidateJob(job).has_value()) << static_cast<int>(kind);
  }
}

TEST(LateJob, RefusesWhatDoesNotFit) {
  JobSpec job = LateJob();
  job.round.mode = Mode::async;
  job.round.select_from = SelectFrom::present;
  job.round.over_select = 1;
  ExpectJobRefused(job, "round.late", "no update is late");
  job = LateJob();
  job.round.mode = Mode::sync_sgd;
  ExpectJobRefused(job, "round.late", "one gradient of the newest version");
  job = LateJob();
  job.data.access = DataAccess::elastic;
  job.data.block_examples = 10;
  job.round.select_from = SelectFrom::present;
  job.round.quorum = job.round.goal;
  job.round.over_select = 1;
  ExpectJobRefused(job, "round.late", "waits for all its blocks");
  job = LateJob();
  job.strategy.kind = StrategyKind::scaffold;
  ExpectJobRefused(job, "round.late", "client-side state");
  job = LateJob();
  job.train.optimizer = Optimizer::adamw;
  job.train.steps = 5;
  job.round.mode = Mode::diloco;
  ExpectJobRefused(job, "round.late", "client-side state");
  job = LateJob();
  job.round.accept = Accept::memory;
  ExpectJobRefused(job, "round.late", "\"memory\"");
  job = LateJob();
  job.round.staleness_max = 0;
  ExpectJobRefused(job, "round.staleness_max", "none would ever count");
  job = LateJob();
  job.round.concurrency = 3;
  ExpectJobRefused(job, "round.concurrency", "async");
}

TEST(LateJob, AWeightTimesItsFactorStaysExact) {
  JobSpec job = LateJob();
  job.aggregation.weight_max = (1ULL << 20) + 1;
  ExpectJobRefused(job, "aggregation.weight_max", "round.late = \"fold\"");
  job.round.late = LatePolicy::refuse;
  EXPECT_TRUE(ValidateJob(job).has_value());
}

TEST(LateJob, HasStalenessOfItsOwn) {
  JobSpec job = LateJob();
  JobSpec other = job;
  other.round.staleness_max = 3;
  EXPECT_NE(JobDigest(job), JobDigest(other));
  job.round.late = other.round.late = LatePolicy::refuse;
  EXPECT_EQ(JobDigest(job), JobDigest(other));
  job = LateJob();
  job.round.staleness = Staleness::hinge;
  job.round.staleness_b = 1;
  EXPECT_TRUE(ValidateJob(job).has_value());
  const auto back = DecodeJob(EncodeJob(job));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->round.late, LatePolicy::fold);
}

// goal 4, a cohort of 6: its two that are not needed may come late, and others of earlier rounds.
TEST(LateJob, HasRoomForAsManyLateOnesAsACohortHas) {
  JobSpec job = LateJob();
  EXPECT_TRUE(TakesStale(job.round));
  EXPECT_EQ(LateUpdatesMax(job.round), 6U);
  EXPECT_EQ(UpdatesInSumMax(job.round), 10U);
  EXPECT_EQ(FullFactor(job), kStalenessOne);
  job.round.late = LatePolicy::refuse;
  EXPECT_FALSE(TakesStale(job.round));
  EXPECT_EQ(LateUpdatesMax(job.round), 0U);
  EXPECT_EQ(UpdatesInSumMax(job.round), 4U);
  EXPECT_EQ(FullFactor(job), 1U);
}

}  // namespace
}  // namespace muster
