#include "model/custom_strategies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "model/job_words.h"
#include "tests/support/custom_job.h"

namespace muster {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Names are for the life of the process: each test has its own.
Status Content(const JobSpec&) { return {}; }

TEST(CustomStrategies, NameOfAnyOtherAlphabetIsRefused) {
  for (const std::string name :
       {"", "a b", "a/b", ".hidden", "_mine", "-mine", "m\xC3\xBCster", "a\n"}) {
    const Status added = AddCustomStrategy(name, Content);
    ASSERT_FALSE(added) << name;
    EXPECT_EQ(added.error().reason, Reason::config_invalid);
    EXPECT_FALSE(HasCustomStrategy(name)) << name;
  }
  EXPECT_FALSE(AddCustomStrategy(std::string(65, 'a'), Content));
}

TEST(CustomStrategies, NameOfABuiltInStrategyIsRefused) {
  for (const auto& [word, kind] : JobWords<StrategyKind>()) {
    const Status added = AddCustomStrategy(std::string(word), Content);
    ASSERT_FALSE(added) << word;
    EXPECT_THAT(added.error().message, HasSubstr("Muster's own")) << word;
  }
}

TEST(CustomStrategies, SecondRegistrationIsRefusedAndTheFirstStays) {
  ASSERT_TRUE(AddCustomStrategy("twice", Content));
  const Status second = AddCustomStrategy("twice", [](const JobSpec&) -> Status {
    return Error{Reason::config_invalid, "no"};
  });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::already_exists);
  EXPECT_TRUE(ValidateJob(JobOfCustom("twice")));
}

TEST(CustomStrategies, NamesAreListedInOrder) {
  ASSERT_TRUE(AddCustomStrategy("listed-b", Content));
  ASSERT_TRUE(AddCustomStrategy("listed-a", Content));
  const std::vector<std::string> names = CustomStrategyNames();
  EXPECT_THAT(names, Contains("listed-a"));
  EXPECT_THAT(names, Contains("listed-b"));
  EXPECT_TRUE(std::ranges::is_sorted(names));
}

TEST(CustomStrategies, JobOfAnotherProgramsStrategyIsUnsupportedWhereverItComesFrom) {
  const JobSpec job = JobOfCustom("of-another-program");
  const Status valid = ValidateJob(job);
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().reason, Reason::unsupported);
  EXPECT_THAT(valid.error().message, StartsWith("strategy.name is \"of-another-program\""));
  EXPECT_THAT(valid.error().message, HasSubstr(program_invocation_short_name));
  const Result<JobSpec> decoded = DecodeJob(EncodeJob(job));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().Text(), valid.error().Text());
}

TEST(CustomStrategies, NameTravelsInTheJobsBytes) {
  ASSERT_TRUE(AddCustomStrategy("travels", Content));
  ASSERT_TRUE(AddCustomStrategy("travels-too", Content));
  const JobSpec job = JobOfCustom("travels");
  const Result<JobSpec> decoded = DecodeJob(EncodeJob(job));
  ASSERT_TRUE(decoded) << decoded.error().Text();
  EXPECT_EQ(decoded->strategy.kind, StrategyKind::custom);
  EXPECT_EQ(decoded->strategy.custom, "travels");
  EXPECT_NE(JobDigest(job), JobDigest(JobOfCustom("travels-too")));
}

TEST(CustomStrategies, EveryKeyOfTheStrategyIsPartOfTheJob) {
  ASSERT_TRUE(AddCustomStrategy("reads-all", Content));
  const JobSpec base = JobOfCustom("reads-all");
  const std::vector<void (*)(StrategySpec&)> changes = {
      [](StrategySpec& s) { s.server_learning_rate = 0.25; },
      [](StrategySpec& s) { s.server_momentum = 0.25; },
      [](StrategySpec& s) { s.beta1 = 0.25; },
      [](StrategySpec& s) { s.beta2 = 0.25; },
      [](StrategySpec& s) { s.tau = 0.25; },
      [](StrategySpec& s) { s.proximal_mu = 0.25; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    JobSpec job = base;
    changes[i](job.strategy);
    EXPECT_NE(JobDigest(job), JobDigest(base)) << i;
    EXPECT_TRUE(DecodeJob(EncodeJob(job))) << i;
  }
}

TEST(CustomStrategies, ValueThatMakesNoSenseIsRefusedByItsKey) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(AddCustomStrategy("keys-judged", Content));
  const std::vector<std::pair<std::string, void (*)(StrategySpec&)>> wrong = {
      {"strategy.server_learning_rate", [](StrategySpec& s) { s.server_learning_rate = 0; }},
      {"strategy.server_momentum", [](StrategySpec& s) { s.server_momentum = 1; }},
      {"strategy.beta1", [](StrategySpec& s) { s.beta1 = 1; }},
      {"strategy.beta2", [](StrategySpec& s) { s.beta2 = kNan; }},
      {"strategy.tau", [](StrategySpec& s) { s.tau = 0; }},
      {"strategy.proximal_mu", [](StrategySpec& s) { s.proximal_mu = -0.0; }},
      {"strategy.proximal_mu", [](StrategySpec& s) { s.proximal_mu = kNan; }},
  };
  for (const auto& [key, spoil] : wrong) {
    JobSpec job = JobOfCustom("keys-judged");
    spoil(job.strategy);
    const Status valid = ValidateJob(job);
    ASSERT_FALSE(valid) << key;
    EXPECT_THAT(valid.error().Text(), StartsWith("config_invalid: " + key + " "));
  }
}

TEST(CustomStrategies, JudgeSeesOnlyJobsThatAreValidInAllElse) {
  int asked = 0;
  const auto judge = [&asked](const JobSpec&) -> Status {
    ++asked;
    return Error{Reason::config_invalid, "strategy.tau is not to its taste"};
  };
  ASSERT_TRUE(AddCustomStrategy("picky", judge));
  JobSpec job = JobOfCustom("picky");
  EXPECT_EQ(ValidateJob(job).error().message, "strategy.tau is not to its taste");
  EXPECT_EQ(asked, 1);
  job.aggregation.bound_raise_max = 257;
  EXPECT_THAT(ValidateJob(job).error().message, StartsWith("aggregation.bound_raise_max"));
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace muster
