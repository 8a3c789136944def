// Which jobs may keep client-side state, and what round.mode = "diloco" asks for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/limits.h"
#include "model/job.h"

namespace muster {
namespace {

JobSpec DilocoJob() {
  JobSpec job;
  job.data.train_examples = 6000;
  job.data.test_examples = 1000;
  job.round.mode = Mode::diloco;
  job.train.optimizer = Optimizer::adamw;
  job.train.steps = 50;
  job.strategy = {
      .kind = StrategyKind::nesterov, .server_learning_rate = 0.7, .server_momentum = 0.9};
  return job;
}

JobSpec ScaffoldJob() {
  JobSpec job;
  job.data.train_examples = 6000;
  job.data.test_examples = 1000;
  job.strategy.kind = StrategyKind::scaffold;
  return job;
}

struct RefusedState {
  const char* what;
  const char* key;
  std::function<void(JobSpec&)> spoil;
};

const RefusedState kRefusedStates[] = {
    {"diloco by sgd", "train.optimizer", [](JobSpec& j) { j.train.optimizer = Optimizer::sgd; }},
    {"diloco by epochs", "train.steps", [](JobSpec& j) { j.train.steps = 0; }},
    {"endless steps", "train.steps",
     [](JobSpec& j) { j.train.steps = limits::kLocalStepsMax + 1; }},
    {"diloco in memory", "round.accept", [](JobSpec& j) { j.round.accept = Accept::memory; }},
    {"diloco of elastic data", "data.access",
     [](JobSpec& j) { j.data.access = DataAccess::elastic, j.data.block_examples = 100; }},
    {"diloco with FedProx", "strategy.name",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedprox, .proximal_mu = 0.1}; }},
    {"diloco with FedNova", "strategy.name",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fednova}; }},
    {"diloco with SCAFFOLD", "strategy.name",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::scaffold}; }},
    {"FedProx's pull on AdamW", "train.optimizer",
     [](JobSpec& j) {
       j.round.mode = Mode::fedavg;
       j.strategy = {.kind = StrategyKind::fedprox, .proximal_mu = 0.1};
     }},
    {"AdamW's moments in memory", "round.accept",
     [](JobSpec& j) { j.round.mode = Mode::fedavg, j.round.accept = Accept::memory; }},
    {"AdamW in a single gradient", "train.optimizer",
     [](JobSpec& j) { j.round.mode = Mode::sync_sgd, j.round.accept = Accept::durable; }},
    {"control variates in memory", "round.accept",
     [](JobSpec& j) { j = ScaffoldJob(), j.round.accept = Accept::memory; }},
    {"control variates in an asynchronous round", "round.mode",
     [](JobSpec& j) { j = ScaffoldJob(), j.round.mode = Mode::async; }},
    {"control variates of elastic data", "strategy.name",
     [](JobSpec& j) {
       j = ScaffoldJob(), j.data.access = DataAccess::elastic, j.data.block_examples = 100;
       j.round.select_from = SelectFrom::present;
     }},
    {"control variates of a single gradient", "strategy.name",
     [](JobSpec& j) { j = ScaffoldJob(), j.round.mode = Mode::sync_sgd; }},
    {"SCAFFOLD's steps by AdamW", "train.optimizer",
     [](JobSpec& j) { j = ScaffoldJob(), j.train.optimizer = Optimizer::adamw; }},
    {"SCAFFOLD with momentum", "strategy.server_momentum",
     [](JobSpec& j) { j = ScaffoldJob(), j.strategy.server_momentum = 0.9; }},
    {"beta1 of 1", "train.adam_beta1", [](JobSpec& j) { j.train.adam_beta1 = 1; }},
    {"negative beta2", "train.adam_beta2", [](JobSpec& j) { j.train.adam_beta2 = -0.5; }},
    {"no epsilon", "train.adam_epsilon", [](JobSpec& j) { j.train.adam_epsilon = 0; }},
    {"decay of all", "train.weight_decay", [](JobSpec& j) { j.train.weight_decay = 1; }},
};

TEST(ClientStateRules, RefusedByKeyFromConfigAndWireAlike) {
  for (const RefusedState& refused : kRefusedStates) {
    JobSpec job = DilocoJob();
    refused.spoil(job);
    const Status status = ValidateJob(job);
    ASSERT_FALSE(status) << refused.what;
    EXPECT_THAT(status.error().Text(),
                testing::StartsWith(std::string("config_invalid: ") + refused.key + " "))
        << refused.what;
    EXPECT_FALSE(DecodeJob(EncodeJob(job))) << refused.what;
  }
}

TEST(ClientStateRules, DilocoGoesWithWhatStepsOnTheMean) {
  for (const StrategyKind kind :
       {StrategyKind::nesterov, StrategyKind::fedavg, StrategyKind::fedadagrad,
        StrategyKind::fedadam, StrategyKind::fedyogi}) {
    JobSpec job = DilocoJob();
    job.strategy = {.kind = kind};
    if (kind == StrategyKind::nesterov) job.strategy.server_momentum = 0.9;
    const Status status = ValidateJob(job);
    EXPECT_TRUE(status) << static_cast<int>(kind) << " " << status.error().Text();
  }
}

TEST(ClientStateRules, AdamWAndStepsGoWithFederatedAveraging) {
  JobSpec job = DilocoJob();
  job.round.mode = Mode::fedavg;
  EXPECT_TRUE(ValidateJob(job));
  job.train.steps = 0;
  EXPECT_TRUE(ValidateJob(job));
  EXPECT_TRUE(KeepsClientState(job));
  job.train.optimizer = Optimizer::sgd;
  job.train.steps = 20;
  EXPECT_TRUE(ValidateJob(job));
  EXPECT_FALSE(KeepsClientState(job));
}

TEST(ClientStateRules, ScaffoldKeepsStateAndTakesEpochsAndStepsOfSgd) {
  JobSpec job = ScaffoldJob();
  EXPECT_TRUE(ValidateJob(job));
  EXPECT_TRUE(KeepsClientState(job));
  job.train.steps = 20;
  job.round.select_from = SelectFrom::present;
  EXPECT_TRUE(ValidateJob(job));
  EXPECT_EQ(AcceptOf(job.round), Accept::durable);
}

TEST(ClientStateRules, StepsTakeThePlaceOfEpochsInTheDigest) {
  JobSpec a = DilocoJob(), b = DilocoJob();
  b.train.epochs = 7;
  EXPECT_EQ(JobDigest(a), JobDigest(b));
  b.train.steps = 51;
  EXPECT_NE(JobDigest(a), JobDigest(b));
}

}  // namespace
}  // namespace muster
