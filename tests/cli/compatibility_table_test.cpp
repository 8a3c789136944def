#include "cli/compatibility_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "aggregation/fedavg.h"
#include "aggregation/strategy_registry.h"
#include "cli/config.h"
#include "model/job_words.h"

namespace muster::cli {
namespace {

constexpr char kRegistered[] = "walked-through";

class Walked final : public FedAvg {
 public:
  using FedAvg::FedAvg;
  std::string_view name() const override { return kRegistered; }
};

void RegisterWalked() {
  static const Status registered = RegisterStrategy(
      kRegistered, [](const JobSpec& job) { return std::make_unique<Walked>(job); });
  ASSERT_TRUE(registered);
}

template <typename T>
std::string Word(T value) {
  return std::string(WordOf(value));
}

std::string Describe(const Combination& c) {
  return fmt::format("{} {} {} {} {}", Word(c.mode), Word(c.strategy), Word(c.access),
                     Word(c.select_from), Word(c.accept));
}

/// A file that says the combination, and what its mode, strategy and data need besides. The first
/// five lines are the combination's.
std::vector<Setting> FileOf(const Combination& c) {
  const bool custom = c.strategy == StrategyKind::custom;
  std::vector<Setting> settings = {
      {"round.mode", Word(c.mode), "a.toml:1"},
      {"strategy.name", custom ? kRegistered : Word(c.strategy), "a.toml:2"},
      {"data.access", Word(c.access), "a.toml:3"},
      {"round.select_from", Word(c.select_from), "a.toml:4"},
      {"round.accept", Word(c.accept), "a.toml:5"},
      {"data.train_examples", std::int64_t{1000}, "a.toml:6"},
      {"data.test_examples", std::int64_t{100}, "a.toml:7"},
      {"round.goal", std::int64_t{4}, "a.toml:8"},
  };
  const auto need = [&](const std::string& key, SettingValue value) {
    settings.push_back({key, std::move(value), fmt::format("a.toml:{}", settings.size() + 1)});
  };
  if (c.strategy == StrategyKind::fedprox) need("strategy.proximal_mu", 0.1);
  if (c.strategy == StrategyKind::nesterov) need("strategy.server_momentum", 0.9);
  if (c.access == DataAccess::elastic) need("data.block_examples", std::int64_t{50});
  if (c.mode == Mode::diloco) {
    need("train.optimizer", std::string("adamw"));
    need("train.steps", std::int64_t{5});
  }
  return settings;
}

TEST(CompatibilityTable, EveryCombinationLoadsOrIsRefusedByItsKeyAndReason) {
  RegisterWalked();
  std::size_t supported = 0;
  for (const Combination& combination : AllCombinations()) {
    const std::vector<Setting> file = FileOf(combination);
    const Result<Config> config = BuildConfig("a.toml", file);
    const Refusal refusal = WhyRefused(combination);
    if (!refusal.any()) {
      EXPECT_TRUE(config) << Describe(combination) << ": " << config.error().message;
      ++supported;
      continue;
    }
    ASSERT_FALSE(config) << Describe(combination);
    const auto at = std::ranges::find(file, refusal.key, &Setting::key);
    ASSERT_NE(at, file.end()) << refusal.key;
    EXPECT_EQ(config.error().message,
              fmt::format("{}: `{}` {}", at->where, refusal.key, refusal.text))
        << Describe(combination);
  }
  EXPECT_GT(supported, 0U);
}

TEST(CompatibilityTable, CombinationsAreAllThereAreAndEachIsThereOnce) {
  const std::vector<Combination> all = AllCombinations();
  std::set<std::string> seen;
  for (const Combination& combination : all) seen.insert(Describe(combination));
  EXPECT_EQ(seen.size(), all.size());
  EXPECT_EQ(all.size(), JobWords<Mode>().size() * JobWords<StrategyKind>().size() *
                            JobWords<DataAccess>().size() * JobWords<SelectFrom>().size() *
                            (JobWords<Accept>().size() - 1));
}

std::vector<std::string> Told(const std::vector<CombinationBox>& boxes) {
  std::vector<std::string> told;
  for (const CombinationBox& box : boxes) {
    for (const Mode mode : box.modes) {
      for (const StrategyKind strategy : box.strategies) {
        for (const DataAccess access : box.accesses) {
          for (const SelectFrom select_from : box.select_from) {
            for (const Accept accept : box.accepts) {
              told.push_back(Describe({mode, strategy, accept, access, select_from}));
            }
          }
        }
      }
    }
  }
  std::ranges::sort(told);
  return told;
}

TEST(CompatibilityTable, BoxesTellEachCellOnceAndNoOther) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    std::vector<Combination> cells;
    for (const Combination& combination : AllCombinations()) {
      if (random() % 4 < seed % 4) cells.push_back(combination);
    }
    std::vector<std::string> expected;
    for (const Combination& combination : cells) expected.push_back(Describe(combination));
    std::ranges::sort(expected);
    EXPECT_EQ(Told(CoverWithBoxes(cells)), expected) << "seed " << seed;
  }
}

TEST(CompatibilityTable, WholeMatrixIsOneBox) {
  EXPECT_EQ(CoverWithBoxes(AllCombinations()).size(), 1U);
}

TEST(CompatibilityTable, JsonHasALineForEachCombination) {
  std::istringstream lines(CompatibilityJson());
  std::size_t i = 0;
  const std::vector<Combination> all = AllCombinations();
  for (std::string line; std::getline(lines, line); ++i) {
    const auto object = nlohmann::json::parse(line);
    ASSERT_LT(i, all.size());
    const Refusal refusal = WhyRefused(all[i]);
    EXPECT_EQ(object.at("mode"), WordOf(all[i].mode));
    EXPECT_EQ(object.at("strategy"), WordOf(all[i].strategy));
    EXPECT_EQ(object.at("data_access"), WordOf(all[i].access));
    EXPECT_EQ(object.at("select_from"), WordOf(all[i].select_from));
    EXPECT_EQ(object.at("accept"), WordOf(all[i].accept));
    EXPECT_EQ(object.at("supported"), !refusal.any());
    EXPECT_EQ(object.value("key", ""), refusal.key);
    EXPECT_EQ(object.value("reason", ""), refusal.text);
  }
  EXPECT_EQ(i, all.size());
}

TEST(CompatibilityTable, TextTellsEachReasonOnceAndFitsAScreen) {
  const std::string text = CompatibilityText();
  for (const Combination& combination : AllCombinations()) {
    const Refusal refusal = WhyRefused(combination);
    if (!refusal.any()) continue;
    const std::string reason = fmt::format("\n    {} {}\n", refusal.key, refusal.text);
    const std::size_t first = text.find(reason);
    ASSERT_NE(first, std::string::npos) << reason;
    EXPECT_EQ(text.find(reason, first + 1), std::string::npos) << reason;
  }
  EXPECT_LT(std::ranges::count(text, '\n'), 100);
}

}  // namespace
}  // namespace muster::cli
