// Who may take part when a state directory is used again.
#include "cli/run_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;

constexpr const char* kElasticShape =
    "[data]\naccess = \"elastic\"\ntrain_examples = 100\ntest_examples = 10\n"
    "block_examples = 10\n[round]\ngoal = 2\nselect_from = \"present\"\n";
constexpr const char* kAsyncShape =
    "[data]\nparts = 4\ntrain_examples = 100\ntest_examples = 10\n"
    "[round]\nmode = \"async\"\ngoal = 2\nselect_from = \"present\"\n";
constexpr const char* kEnrolledShape =
    "[data]\nparts = 4\ntrain_examples = 100\ntest_examples = 10\n[round]\ngoal = 2\n";

class RunSetupTest : public ::testing::Test {
 protected:
  /// Prepares a run of so many participants in one state directory.
  Status Prepare(const std::string& text, const std::string& count,
                 const std::string& names = "participant") {
    Result<std::vector<Setting>> settings = ReadToml(text, "test.toml");
    for (const std::string& set : {"run.participants=" + count, "run.names=" + names}) {
      settings->push_back(*ParseSet(set));
    }
    const Result<Config> config = BuildConfig("test.toml", *settings);
    return config ? PrepareRun(*config, RunPaths{directory_ / "state"}, {})
                  : Status(config.error());
  }

  const TempDir directory_;
};

TEST_F(RunSetupTest, ElasticDataIsDoneByAnyNumberOfAnyName) {
  const std::vector<std::pair<std::string, std::string>> starts = {
      {"4", "participant"}, {"2", "participant"}, {"3", "site"}, {"5", "participant"}};
  for (const auto& [count, names] : starts) {
    const Status prepared = Prepare(kElasticShape, count, names);
    EXPECT_TRUE(prepared) << count << ": " << prepared.error().Text();
  }
}

TEST_F(RunSetupTest, NobodyWhoIsAwayIsAwaitedOfThosePresent) {
  for (const char* count : {"4", "2", "3"}) {
    const Status prepared = Prepare(kAsyncShape, count);
    EXPECT_TRUE(prepared) << count << ": " << prepared.error().Text();
  }
  const Status renamed = Prepare(kAsyncShape, "4", "site");
  ASSERT_FALSE(renamed);
  EXPECT_EQ(renamed.error().reason, Reason::config_changed);
  EXPECT_THAT(renamed.error().message, HasSubstr("has a part of the data"));
}

TEST_F(RunSetupTest, WhoIsDrawnFromTheRosterMustTakePart) {
  ASSERT_TRUE(Prepare(kEnrolledShape, "4"));
  const Status fewer = Prepare(kEnrolledShape, "2");
  ASSERT_FALSE(fewer);
  EXPECT_EQ(fewer.error().reason, Reason::config_changed);
  EXPECT_THAT(fewer.error().message,
              HasSubstr("participant-02 is enrolled here and would be awaited in vain"));
  EXPECT_FALSE(Prepare(kEnrolledShape, "4", "site"));
  EXPECT_TRUE(Prepare(kEnrolledShape, "4"));
}

}  // namespace
}  // namespace muster::cli
