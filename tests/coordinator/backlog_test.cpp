// What must not grow with the rounds, shown with more rounds than a transcript can hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/limits.h"
#include "script.h"

namespace muster::coordinator {
namespace {

class BacklogTest : public ::testing::Test {
 protected:
  void Play(const std::string& command) {
    for (const std::string& line : script_.Play(command)) {
      evaluations_asked_ += line.starts_with("evaluate ");
      rounds_opened_ += line.find("(report)") != std::string::npos;
      batches_ += line.starts_with("persist ");
    }
  }

  Script script_;
  std::size_t evaluations_asked_ = 0;
  std::size_t rounds_opened_ = 0;
  std::size_t batches_ = 0;
};

TEST_F(BacklogTest, RoundsWaitForAnEvaluatorThatIsFarBehind) {
  Play("job goal=1 quorum=1 roster=1 rounds=100000 evaluate=yes");
  Play("auto on");
  Play("hello a");
  Play("bulk_hello a");
  for (std::size_t i = 0; i < 2 * limits::kEvaluationsWaitingMax; ++i) Play("upload a");
  EXPECT_EQ(evaluations_asked_, limits::kEvaluationsWaitingMax);
  EXPECT_EQ(rounds_opened_, limits::kEvaluationsWaitingMax);
  const std::vector<std::string> status = script_.Play("status");
  EXPECT_NE(status.at(1).find("in paused for evaluation"), std::string::npos) << status.at(1);
  Play("evaluated version=1");
  Play("upload a");
  EXPECT_EQ(rounds_opened_, limits::kEvaluationsWaitingMax + 1);
  EXPECT_EQ(evaluations_asked_, limits::kEvaluationsWaitingMax + 1);
}

TEST_F(BacklogTest, ADiskThatHangsCollectsNoDeadlines) {
  Play("job goal=1 quorum=1 roster=1");
  Play("io");
  batches_ = 0;
  Play("pass ms=60000");
  EXPECT_EQ(batches_, 1U);
  Play("io");
  Play("pass ms=1000");
  EXPECT_EQ(batches_, 2U);
}

}  // namespace
}  // namespace muster::coordinator
