// What a job of mode async may say.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "common/limits.h"
#include "model/job.h"
#include "tests/model/refused_job.h"

namespace muster {
namespace {

JobSpec AsyncJob() {
  JobSpec job;
  job.data.train_examples = 1'000;
  job.data.test_examples = 100;
  job.round.mode = Mode::async;
  job.round.select_from = SelectFrom::present;
  return job;
}

TEST(AsyncJob, AcceptsDurablyAndGoesWithWhatStepsOnTheMean) {
  EXPECT_TRUE(ValidateJob(AsyncJob()).has_value());
  EXPECT_EQ(AcceptOf(AsyncJob().round), Accept::durable);
  for (const StrategyKind kind :
       {StrategyKind::fedavg, StrategyKind::fedadagrad, StrategyKind::fedadam,
        StrategyKind::fedyogi, StrategyKind::fednova}) {
    JobSpec job = AsyncJob();
    job.strategy.kind = kind;
    EXPECT_TRUE(ValidateJob(job).has_value()) << static_cast<int>(kind);
  }
}

// One participant alone may fill the buffer.
TEST(AsyncJob, TheBufferMayBeLargerThanTheFederation) {
  JobSpec job = AsyncJob();
  job.data.parts = 2;
  job.round.goal = 10;
  job.round.quorum = 10;
  EXPECT_TRUE(ValidateJob(job).has_value());
  job.round.mode = Mode::fedavg;
  ExpectJobRefused(job, "round.goal");
}

TEST(AsyncJob, RefusesWhatDoesNotFit) {
  JobSpec job = AsyncJob();
  job.round.accept = Accept::memory;
  ExpectJobRefused(job, "round.accept", "keeps the last one only");
  job = AsyncJob();
  job.round.select_from = SelectFrom::enrolled;
  ExpectJobRefused(job, "round.select_from", "whoever is there");
  job = AsyncJob();
  job.strategy.kind = StrategyKind::scaffold;
  ExpectJobRefused(job, "round.mode", "control variates");
  job = AsyncJob();
  job.train.optimizer = Optimizer::adamw;
  ExpectJobRefused(job, "round.mode", "moments");
  job = AsyncJob();
  job.round.over_select = 1.5;
  ExpectJobRefused(job, "round.over_select", "nobody is drawn");
}

TEST(AsyncJob, StalenessHasLimits) {
  JobSpec job = AsyncJob();
  job.round.staleness_max = limits::kStalenessMax + 1;
  ExpectJobRefused(job, "round.staleness_max");
  for (const double a : {0.0, -1.0, 64.5, std::numeric_limits<double>::quiet_NaN()}) {
    job = AsyncJob();
    job.round.staleness_a = a;
    EXPECT_TRUE(ValidateJob(job).has_value()) << "constant does not use it";
    job.round.staleness = Staleness::polynomial;
    ExpectJobRefused(job, "round.staleness_a");
  }
}

TEST(AsyncJob, AHingeThatNeverBendsIsRefused) {
  JobSpec job = AsyncJob();
  job.round.staleness = Staleness::hinge;
  job.round.staleness_max = 6;
  job.round.staleness_b = 5;
  EXPECT_TRUE(ValidateJob(job).has_value());
  for (const std::uint32_t b : {6U, 7U}) {
    job.round.staleness_b = b;
    ExpectJobRefused(job, "round.staleness_b", "staler than 6");
  }
}

TEST(AsyncJob, AWeightTimesItsFactorStaysExact) {
  JobSpec job = AsyncJob();
  job.aggregation.weight_max = (1ULL << 20) + 1;
  ExpectJobRefused(job, "aggregation.weight_max", "2^20");
  job.round.mode = Mode::fedavg;
  EXPECT_TRUE(ValidateJob(job).has_value());
}

TEST(AsyncJob, IsNoOtherJobByStalenessThatItsKindDoesNotUse) {
  JobSpec job = AsyncJob();
  JobSpec other = job;
  other.round.staleness_a = 0.9;
  EXPECT_EQ(JobDigest(job), JobDigest(other));
  other.round.staleness_b = 7;
  ExpectJobRefused(other, "round.staleness_b", "hinge");
  other.round.staleness = Staleness::hinge;
  EXPECT_NE(JobDigest(job), JobDigest(other));
}

}  // namespace
}  // namespace muster
