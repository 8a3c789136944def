#include "aggregation/strategy_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregation/fedavg.h"
#include "tests/support/custom_job.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

class Named final : public FedAvg {
 public:
  Named(const JobSpec& job, std::string name) : FedAvg(job), name_(std::move(name)) {}
  std::string_view name() const override { return name_; }

 private:
  std::string name_;
};

StrategyFactory Makes(const std::string& name) {
  return [name](const JobSpec& job) { return std::make_unique<Named>(job, name); };
}

TEST(StrategyRegistry, RegisteredStrategyServesTheJobsOfItsName) {
  ASSERT_TRUE(RegisterStrategy("served", Makes("served")));
  const JobSpec job = JobOfCustom("served");
  ASSERT_TRUE(ValidateJob(job));
  EXPECT_EQ(CreateStrategy(job)->name(), "served");
}

TEST(StrategyRegistry, FactoryGetsTheWholeJob) {
  double momentum = 0;
  ASSERT_TRUE(RegisterStrategy("reader", [&](const JobSpec& job) {
    momentum = job.strategy.server_momentum;
    return std::make_unique<Named>(job, "reader");
  }));
  JobSpec job = JobOfCustom("reader");
  job.strategy.server_momentum = 0.75;
  EXPECT_EQ(CreateStrategy(job)->state_kinds().size(), 1U);
  EXPECT_EQ(momentum, 0.75);
}

TEST(StrategyRegistry, BuiltInNameAndSecondRegistrationAreRefused) {
  EXPECT_FALSE(RegisterStrategy("fedavg", Makes("fedavg")));
  EXPECT_FALSE(RegisterStrategy("custom", Makes("custom")));
  EXPECT_FALSE(RegisterStrategy("no name", Makes("no name")));
  ASSERT_TRUE(RegisterStrategy("once", Makes("once")));
  const Status again = RegisterStrategy("once", Makes("once"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, Reason::already_exists);
}

TEST(StrategyRegistry, FactoryThatIsNoneIsRefused) {
  EXPECT_FALSE(RegisterStrategy("no-factory", StrategyFactory()));
  EXPECT_EQ(ValidateJob(JobOfCustom("no-factory")).error().reason, Reason::unsupported);
}

TEST(StrategyRegistry, WhatTheFactoryRefusesIsRefusedWithTheJob) {
  ASSERT_TRUE(RegisterStrategy("refusing", [](const JobSpec&) -> Result<std::unique_ptr<Strategy>> {
    return Error{Reason::config_invalid, "strategy.tau must be below 1"};
  }));
  EXPECT_EQ(ValidateJob(JobOfCustom("refusing")).error().Text(),
            "config_invalid: strategy.tau must be below 1");
}

TEST(StrategyRegistry, FactoryThatMakesNothingOrAnotherStrategyIsRefusedWithTheJob) {
  ASSERT_TRUE(RegisterStrategy("nothing", [](const JobSpec&) -> Result<std::unique_ptr<Strategy>> {
    return std::unique_ptr<Strategy>();
  }));
  EXPECT_THAT(ValidateJob(JobOfCustom("nothing")).error().message, HasSubstr("no strategy"));
  ASSERT_TRUE(RegisterStrategy("misnamed", Makes("another")));
  EXPECT_THAT(ValidateJob(JobOfCustom("misnamed")).error().message,
              HasSubstr("calls itself \"another\""));
}

/// Has a weight for updates of 10 examples alone.
class Picky final : public FedAvg {
 public:
  using FedAvg::FedAvg;
  std::string_view name() const override { return "picky"; }
  Result<std::uint64_t> UpdateWeight(std::uint64_t examples) const override {
    if (examples == 10) return examples;
    return Error{Reason::weight_invalid, "ten or none"};
  }
};

TEST(StrategyRegistry, StrategyWithoutAWeightForABlockIsRefusedWithTheJob) {
  ASSERT_TRUE(
      RegisterStrategy("picky", [](const JobSpec& job) { return std::make_unique<Picky>(job); }));
  JobSpec job = JobOfCustom("picky");
  EXPECT_TRUE(ValidateJob(job)) << "of private data the job does not say how many examples";
  job.data.access = DataAccess::elastic;
  job.round.select_from = SelectFrom::present;
  job.round.quorum = job.round.goal;
  job.data.block_examples = 10;
  job.data.train_examples = 60;
  EXPECT_TRUE(ValidateJob(job)) << ValidateJob(job).error().Text();
  job.data.train_examples = 63;
  EXPECT_EQ(ValidateJob(job).error().Text(),
            "config_invalid: data.block_examples makes a block of 3 examples, for which strategy "
            "\"picky\" has no weight: ten or none");
  job.data.block_examples = 9;
  EXPECT_THAT(ValidateJob(job).error().message, HasSubstr("a block of 9 examples"));
}

}  // namespace
}  // namespace muster
