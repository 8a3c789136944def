// Which jobs a copy of an older version costs more than versions.
#include "checkpoint/copy_costs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/job.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

JobSpec PlainJob() {
  JobSpec job;
  job.data.train_examples = 1'000;
  job.data.test_examples = 100;
  return job;
}

/// Of a copy of version 5 as version 11.
std::vector<std::string> CostsWith(const JobSpec& job) {
  EXPECT_TRUE(ValidateJob(job)) << ValidateJob(job).error().Text();
  RecoveredState state;
  state.job = JobRecord{EncodeJob(job), JobDigest(job), true};
  return CostsOfCopy(state, 5, 11);
}

TEST(CopyCosts, ARoundOfWholePartsCostsNothingMore) {
  EXPECT_THAT(CostsWith(PlainJob()), IsEmpty());
  EXPECT_THAT(CostsOfCopy(RecoveredState(), 5, 11), IsEmpty());
}

TEST(CopyCosts, ExamplesThatFollowFromTheRoundAreSkipped) {
  JobSpec elastic = PlainJob();
  elastic.data.access = DataAccess::elastic;
  elastic.data.block_examples = 10;
  elastic.round.select_from = SelectFrom::present;
  elastic.round.quorum = elastic.round.goal;
  JobSpec steps = PlainJob();
  steps.round.mode = Mode::sync_sgd;
  for (const JobSpec& job : {elastic, steps}) {
    EXPECT_THAT(CostsWith(job), ElementsAre(HasSubstr("the rounds 6 to 11 count in no version")));
  }
}

TEST(CopyCosts, ScaffoldsServerAndParticipantsComeApart) {
  JobSpec job = PlainJob();
  job.strategy.kind = StrategyKind::scaffold;
  EXPECT_THAT(CostsWith(job), ElementsAre(HasSubstr("control variate is that of version 5 again")));
}

}  // namespace
}  // namespace muster
