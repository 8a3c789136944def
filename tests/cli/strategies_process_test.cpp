// Every file of configs/strategies/ runs and learns: real processes, fewer rounds than the file
// says.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>

#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

/// What 15 rounds reach at least, of the accuracy; a model that knows nothing has 0.1.
const std::map<std::string, double>& Floors() {
  static const std::map<std::string, double> floors = {
      {"fedadagrad", 0.55}, {"fedadam", 0.55}, {"fedavg", 0.5},
      {"fedavgm", 0.5},     {"fednova", 0.5},  {"fedprox", 0.5},
      {"fedyogi", 0.55},    {"nesterov", 0.6}, {"scaffold", 0.6},
  };
  return floors;
}

TEST(ShippedStrategies, EachReachesItsFloor) {
  const TempDir directory;
  const std::string folder = std::string(MUSTER_SOURCE_DIR) + "/configs/strategies/";
  for (const auto& [name, floor] : Floors()) {
    Program run({"run", folder + name + ".toml", "--state-dir", directory / name, "--format",
                 "json", "--set", "job.rounds=15"});
    ASSERT_EQ(run.Wait(), 0) << name << ": " << run.errors();
    double best = 0;
    for (const nlohmann::json& event : run.events()) {
      const auto accuracy = event.find("accuracy");
      if (accuracy != event.end() && accuracy->is_number())
        best = std::max(best, accuracy->get<double>());
    }
    EXPECT_GE(best, floor) << name;
    RecordProperty(name, std::to_string(best));
  }
}

TEST(ShippedStrategies, NoFileIsLeftOut) {
  for (const auto& entry : std::filesystem::directory_iterator(std::string(MUSTER_SOURCE_DIR) +
                                                               "/configs/strategies")) {
    EXPECT_TRUE(Floors().contains(entry.path().stem().string())) << entry.path();
  }
}

}  // namespace
}  // namespace muster::cli
