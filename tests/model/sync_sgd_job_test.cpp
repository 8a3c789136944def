// What a job of mode sync-sgd may say, and how its updates are accepted.
#include <gtest/gtest.h>

#include "model/job.h"
#include "tests/model/refused_job.h"

namespace muster {
namespace {

JobSpec StepsJob() {
  JobSpec job;
  job.data.train_examples = 1'000;
  job.data.test_examples = 100;
  job.round.mode = Mode::sync_sgd;
  return job;
}

TEST(SyncSgdJob, AcceptsInMemoryUnlessItSaysOtherwise) {
  JobSpec job = StepsJob();
  EXPECT_TRUE(ValidateJob(job).has_value());
  EXPECT_EQ(AcceptOf(job.round), Accept::memory);
  job.round.accept = Accept::durable;
  EXPECT_TRUE(ValidateJob(job).has_value());
  EXPECT_EQ(AcceptOf(job.round), Accept::durable);
}

TEST(SyncSgdJob, IsNoOtherJobByKeysOfLocalSteps) {
  const JobSpec job = StepsJob();
  JobSpec other = job;
  other.train.learning_rate = 0.7;
  other.train.epochs = 3;
  EXPECT_EQ(JobDigest(job), JobDigest(other));
  other.train.batch_size = 11;
  EXPECT_NE(JobDigest(job), JobDigest(other));
}

TEST(SyncSgdJob, RefusesWhatIsForLocalSteps) {
  JobSpec job = StepsJob();
  job.train.steps = 4;
  ExpectJobRefused(job, "train.steps");
  job = StepsJob();
  job.train.optimizer = Optimizer::adamw;
  ExpectJobRefused(job, "train.optimizer");
  for (const StrategyKind kind :
       {StrategyKind::fedprox, StrategyKind::fednova, StrategyKind::scaffold}) {
    job = StepsJob();
    job.strategy.kind = kind;
    if (kind == StrategyKind::fedprox) job.strategy.proximal_mu = 0.1;
    ExpectJobRefused(job, "strategy.name");
  }
}

TEST(SyncSgdJob, WeighsAnUpdateByItsMicroBatchAndNotByThePart) {
  JobSpec job = StepsJob();
  job.train.batch_size = 20;
  job.aggregation.weight_max = 20;
  EXPECT_TRUE(ValidateJob(job).has_value());
  job.aggregation.weight_max = 19;
  ExpectJobRefused(job, "aggregation.weight_max");
}

}  // namespace
}  // namespace muster
