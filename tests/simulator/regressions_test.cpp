// Every run that once failed, shrunk and kept: it must be clean now.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "common/bytes.h"
#include "common/file.h"
#include "simulator/swarm/schedule_file.h"
#include "simulator/swarm/seed_run.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

constexpr std::uint64_t kScheduleBytesMax = 1U << 20;
constexpr std::string_view kFolder = MUSTER_SOURCE_DIR "/tests/simulator/regressions";

TEST(Regressions, EveryScheduleThatOnceFailedIsClean) {
  const TempDir directory;
  std::uint64_t replayed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".schedule") continue;
    const std::string path = entry.path().string();
    const auto text = ReadFile(path, kScheduleBytesMax);
    ASSERT_TRUE(text.has_value()) << text.error().Text();
    const auto schedule = ParseSchedule(AsText(*text), path);
    ASSERT_TRUE(schedule.has_value()) << schedule.error().Text();
    const SeedOutcome outcome =
        RunSeed({schedule->options, schedule->faults, directory.path(), false});
    EXPECT_EQ(outcome.ending, Ending::clean) << path << ": " << outcome.what;
    EXPECT_EQ(outcome.faults.size(), schedule->faults.size())
        << path << ": not all of its faults happen any more, so it shows nothing";
    ++replayed;
  }
  EXPECT_GT(replayed, 0U) << "no schedule in " << kFolder;
}

}  // namespace
}  // namespace muster::simulator
