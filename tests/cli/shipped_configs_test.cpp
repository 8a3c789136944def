// The configurations that come with Muster are what they say they are.
#include <gtest/gtest.h>

#include "cli/config.h"

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

}  // namespace
}  // namespace muster::cli
