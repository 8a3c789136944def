// `checkpoints verify --replay` of a job that trains on files: with them, without, with others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/cli/append_to.h"
#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"
#include "tests/training/idx_support.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kJob = R"(
[job]
name = "files"
rounds = 2
[model]
kind = "softmax"
[data]
source = "idx"
parts = 2
train_examples = 0
test_examples = 0
[train]
batch_size = 10
[round]
goal = 2
)";
constexpr std::uint32_t kExamples = 40;

class ReplayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    AppendTo(directory_ / "job.toml", std::string(kJob));
    WriteData("data", IdxLabels(kExamples));
    Program run({"run", directory_ / "job.toml", "--state-dir", directory_ / "state", "--set",
                 "data.dir=" + (directory_ / "data"), "--format", "json"});
    ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  }
  void WriteData(const std::string& name, const std::string& labels) const {
    std::filesystem::create_directory(directory_ / name);
    for (const std::string prefix : {"/train", "/t10k"}) {
      AppendTo(directory_ / name + prefix + "-images-idx3-ubyte", IdxImages(kExamples));
      AppendTo(directory_ / name + prefix + "-labels-idx1-ubyte", labels);
    }
  }
  std::vector<std::string> Verify(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"checkpoints",        "verify",   "--state-dir",
                                      directory_ / "state", "--format", "json"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  TempDir directory_;
};

TEST_F(ReplayTest, TheSameFilesGiveTheSameDigests) {
  Program verify(Verify({"--replay", "--data-dir", directory_ / "data"}));
  EXPECT_EQ(verify.Wait(), 0) << verify.output() << verify.errors();
  EXPECT_THAT(verify.output(), HasSubstr("\"replayed\""));
}

TEST_F(ReplayTest, WithoutTheFilesWhatIsStoredIsVerified) {
  Program verify(Verify({"--replay"}));
  EXPECT_EQ(verify.Wait(), 12) << verify.output() << verify.errors();
}

TEST_F(ReplayTest, OtherFilesAreNoDamage) {
  std::string labels = IdxLabels(kExamples);
  labels.back() = static_cast<char>((labels.back() + 1) % 10);
  WriteData("other", labels);
  Program verify(Verify({"--replay", "--data-dir", directory_ / "other"}));
  EXPECT_EQ(verify.Wait(), 13) << verify.output() << verify.errors();
  ASSERT_EQ(verify.events().size(), 1U) << verify.output();
  EXPECT_EQ(verify.events()[0].value("reason", ""), "replay_differs");
  EXPECT_EQ(verify.events()[0].value("exit_code", 0), 13);
  EXPECT_THAT(verify.output(), HasSubstr("What is stored is whole"));
  EXPECT_THAT(verify.output(), Not(HasSubstr("--accept-loss")));
}

}  // namespace
}  // namespace muster::cli
