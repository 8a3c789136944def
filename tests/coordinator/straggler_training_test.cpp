// What stragglers cost in accuracy: the production core in virtual time, with real training.
#include <gtest/gtest.h>

#include <memory>

#include "tests/coordinator/straggler_training.h"

namespace muster::coordinator {
namespace {

constexpr MonotonicMs kSecond = 1'000;

JobSpec DigitsJob(Mode mode) {
  JobSpec job;
  job.model.kind = ModelKind::softmax;
  job.data.parts = 12;
  job.data.train_examples = 1'200;
  job.data.test_examples = 400;
  job.train.learning_rate = 0.1;
  job.round.goal = 4;
  job.round.quorum = 3;
  job.round.mode = mode;
  if (mode != Mode::async) return job;
  job.round.select_from = SelectFrom::present;
  job.round.concurrency = 4;
  job.round.staleness = Staleness::polynomial;
  job.strategy.server_learning_rate = 0.5;
  return job;
}

std::unique_ptr<StragglerTraining> Trained(const JobSpec& job, MonotonicMs end) {
  auto training = std::move(*StragglerTraining::Create(job, {}, 5 * kSecond));
  StragglerWorld world({.job = job}, training.get());
  world.PlayUntil(end, [] { return false; });
  return training;
}

TEST(StragglerTrainingTest, TheSameSeedGivesTheSameCurveAndAnotherSeedAnotherOne) {
  for (const Mode mode : {Mode::fedavg, Mode::async}) {
    JobSpec job = DigitsJob(mode);
    const auto first = Trained(job, 30 * kSecond);
    const auto again = Trained(job, 30 * kSecond);
    job.seed = 2;
    const auto other = Trained(job, 30 * kSecond);
    ASSERT_GT(first->head().version, 3U);
    EXPECT_EQ(first->head().digest, again->head().digest);
    EXPECT_NE(first->head().digest, other->head().digest);
    ASSERT_EQ(first->curve().size(), again->curve().size());
    for (std::size_t i = 0; i < first->curve().size(); ++i) {
      EXPECT_EQ(first->curve()[i].at, again->curve()[i].at);
      EXPECT_EQ(first->curve()[i].accuracy, again->curve()[i].accuracy);
    }
  }
}

TEST(StragglerTrainingTest, AsyncLearnsFromStaleUpdatesAndSyncHasNone) {
  const auto sync = Trained(DigitsJob(Mode::fedavg), 60 * kSecond);
  const auto async = Trained(DigitsJob(Mode::async), 60 * kSecond);
  EXPECT_EQ(sync->staleness(), 0U);
  EXPECT_GT(async->staleness(), 0U);
  EXPECT_GT(async->curve().back().updates, sync->curve().back().updates);
  for (const auto* training : {&sync, &async}) {
    EXPECT_LT((*training)->curve().front().accuracy, 0.3);
    EXPECT_GT((*training)->curve().back().accuracy, 0.6);
  }
}

// Six are asked for four updates: with late ones folded about all of them count.
TEST(StragglerTrainingTest, LateUpdatesCountWhereTheyAreFolded) {
  JobSpec job = DigitsJob(Mode::fedavg);
  job.round.over_select = 1.5;
  const auto refused = Trained(job, 60 * kSecond);
  job.round.late = LatePolicy::fold;
  const auto folded = Trained(job, 60 * kSecond);
  EXPECT_EQ(refused->staleness(), 0U);
  EXPECT_GT(folded->staleness(), 0U);
  const auto a_version = [](const StragglerTraining& training) {
    return static_cast<double>(training.counted()) / static_cast<double>(training.head().version);
  };
  EXPECT_LE(a_version(*refused), 4.0);
  EXPECT_GT(a_version(*folded), 5.0);
  EXPECT_GT(folded->curve().back().accuracy, 0.6);
}

TEST(StragglerTrainingTest, DataThatIsNotThereIsAnError) {
  JobSpec job = DigitsJob(Mode::fedavg);
  job.data.source = DataSource::idx;
  const auto training = StragglerTraining::Create(job, {"/nowhere"}, kSecond);
  ASSERT_FALSE(training.has_value());
  EXPECT_EQ(training.error().reason, Reason::file_unreadable);
}

}  // namespace
}  // namespace muster::coordinator
