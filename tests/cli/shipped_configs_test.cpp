// The configurations that come with Muster are what they say they are.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "cli/config.h"
#include "model/elastic.h"

namespace muster::cli {
namespace {

Result<Config> Shipped(const std::string& name) {
  return LoadConfig(std::string(MUSTER_SOURCE_DIR) + "/configs/" + name, {});
}

TEST(ShippedConfigs, DemoHasADigestThatNoCrashChanges) {
  const Result<Config> config = Shipped("demo.toml");
  ASSERT_TRUE(config.has_value()) << config.error().Text();
  EXPECT_EQ(config->job.round.select_from, SelectFrom::enrolled);
  EXPECT_EQ(config->job.round.quorum, config->job.round.goal);
  EXPECT_EQ(config->run.participants, 10U);
  EXPECT_EQ(config->run.per_process, 1U);
  EXPECT_EQ(config->job.data.partition, Partition::shards);
}

TEST(ShippedConfigs, MnistIsTheJobOfThePaper) {
  const Result<Config> config = Shipped("mnist-2nn.toml");
  ASSERT_TRUE(config.has_value()) << config.error().Text();
  EXPECT_EQ(config->job.model.hidden, (std::vector<std::uint32_t>{200, 200}));
  EXPECT_EQ(config->run.participants, 100U);
  EXPECT_EQ(config->job.round.goal, 10U);
  EXPECT_EQ(config->job.train.epochs, 1U);
  EXPECT_EQ(config->job.train.batch_size, 10U);
  EXPECT_EQ(config->job.data.partition, Partition::iid);
}

TEST(ShippedConfigs, EachLoadsAndHasAJobThatWorks) {
  std::set<std::string> loaded;
  const std::string folder = std::string(MUSTER_SOURCE_DIR) + "/configs";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const Result<Config> config = LoadConfig(entry.path(), {});
    EXPECT_TRUE(config.has_value()) << config.error().Text();
    loaded.insert(entry.path().filename());
  }
  for (const std::string name : {"demo.toml", "sites.toml", "sync-sgd.toml", "diloco.toml"}) {
    EXPECT_TRUE(loaded.contains(name)) << name;
  }
}

TEST(ShippedConfigs, EachModeIsWhatItsNameSays) {
  const Result<Config> steps = Shipped("sync-sgd.toml");
  ASSERT_TRUE(steps.has_value()) << steps.error().Text();
  EXPECT_EQ(steps->job.round.mode, Mode::sync_sgd);
  EXPECT_EQ(AcceptOf(steps->job.round), Accept::memory);
  const Result<Config> diloco = Shipped("diloco.toml");
  ASSERT_TRUE(diloco.has_value()) << diloco.error().Text();
  EXPECT_EQ(diloco->job.round.mode, Mode::diloco);
  EXPECT_EQ(diloco->job.train.optimizer, Optimizer::adamw);
  EXPECT_EQ(diloco->job.strategy.kind, StrategyKind::nesterov);
}

TEST(ShippedConfigs, ElasticTakesFiveRoundsAnEpoch) {
  const Result<Config> config = Shipped("elastic.toml");
  ASSERT_TRUE(config.has_value()) << config.error().Text();
  EXPECT_EQ(config->job.data.access, DataAccess::elastic);
  EXPECT_EQ(BlocksPerEpoch(config->job.data), 50U);
  EXPECT_EQ(config->job.round.goal, 10U);
  EXPECT_EQ(config->core.rounds, 25U);
}

}  // namespace
}  // namespace muster::cli
