#include "cli/strategy_key.h"

#include <gtest/gtest.h>

#include "cli/config.h"
#include "model/custom_strategies.h"

namespace muster::cli {
namespace {

Result<Config> ConfigOfStrategy(const std::string& name, const std::string& later = "") {
  std::vector<Setting> settings = {
      {"data.train_examples", std::int64_t{1000}, "a.toml:1"},
      {"data.test_examples", std::int64_t{100}, "a.toml:2"},
      {"strategy.name", name, "a.toml:3"},
  };
  if (!later.empty()) settings.push_back({"strategy.name", later, "--set"});
  return BuildConfig("a.toml", settings);
}

Status Agreed(const JobSpec&) { return {}; }

TEST(StrategyKey, TakesWhatTheProgramRegistered) {
  ASSERT_TRUE(AddCustomStrategy("registered", Agreed));
  const Result<Config> config = ConfigOfStrategy("registered");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->job.strategy.kind, StrategyKind::custom);
  EXPECT_EQ(config->job.strategy.custom, "registered");
  EXPECT_EQ(StrategyNameKey().get(*config), "\"registered\"");
}

TEST(StrategyKey, LaterBuiltInNameReplacesARegisteredOne) {
  ASSERT_TRUE(AddCustomStrategy("replaced", Agreed));
  const Result<Config> config = ConfigOfStrategy("replaced", "fedavg");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->job.strategy.kind, StrategyKind::fedavg);
  EXPECT_EQ(config->job.strategy.custom, "");
}

TEST(StrategyKey, ListsWhatTheProgramRegistered) {
  ASSERT_TRUE(AddCustomStrategy("listed", Agreed));
  EXPECT_NE(StrategyNameKey().type.find("\"listed\""), std::string::npos);
  EXPECT_EQ(StrategyNameKey().type.find("\"custom\""), std::string::npos);
}

TEST(StrategyKey, NameThatNobodyRegisteredIsRefusedWithTheProgramThatMissesIt) {
  const Result<Config> config = ConfigOfStrategy("made-elsewhere-by-somebody");
  ASSERT_FALSE(config);
  const std::string expected =
      "a.toml:3: `strategy.name` is \"made-elsewhere-by-somebody\", which the program `" +
      std::string(program_invocation_short_name) + "` does not have; it has ";
  EXPECT_TRUE(config.error().message.starts_with(expected)) << config.error().message;
}

TEST(StrategyKey, NearMissIsPointedOut) {
  EXPECT_EQ(ConfigOfStrategy("fedavgg").error().message,
            "a.toml:3: `strategy.name` is \"fedavgg\"; did you mean \"fedavg\"?");
}

TEST(StrategyKey, WordForAllRegisteredOnesIsNoName) { EXPECT_FALSE(ConfigOfStrategy("custom")); }

TEST(StrategyKey, RefusalOfAStrategyNamesTheKeyWhereItStands) {
  ASSERT_TRUE(AddCustomStrategy("refuses", [](const JobSpec&) -> Status {
    return Error{Reason::config_invalid, "strategy.name is \"refuses\", which refuses all"};
  }));
  EXPECT_EQ(ConfigOfStrategy("refuses").error().message,
            "a.toml:3: `strategy.name` is \"refuses\", which refuses all");
}

}  // namespace
}  // namespace muster::cli
