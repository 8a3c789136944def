#include "cli/event_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/cli/append_to.h"
#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EventTailTest : public ::testing::Test {
 protected:
  std::vector<std::string> Poll(EventTail& tail) {
    const auto lines = tail.Poll();
    EXPECT_TRUE(lines.has_value()) << lines.error().Text();
    return lines ? *lines : std::vector<std::string>();
  }
  TempDir directory_;
  EventTail tail_{directory_ / "events", 0};
};

TEST_F(EventTailTest, AbsentFileHasNoLinesYet) {
  EXPECT_THAT(Poll(tail_), IsEmpty());
  AppendTo(directory_ / "events", "a\n");
  EXPECT_THAT(Poll(tail_), ElementsAre("a"));
}

TEST_F(EventTailTest, EachLineComesOnce) {
  AppendTo(directory_ / "events", "a\nb\n");
  EXPECT_THAT(Poll(tail_), ElementsAre("a", "b"));
  EXPECT_THAT(Poll(tail_), IsEmpty());
  AppendTo(directory_ / "events", "c\n");
  EXPECT_THAT(Poll(tail_), ElementsAre("c"));
}

TEST_F(EventTailTest, UnfinishedLineWaitsForItsNewline) {
  AppendTo(directory_ / "events", "a\nbe");
  EXPECT_THAT(Poll(tail_), ElementsAre("a"));
  EXPECT_THAT(Poll(tail_), IsEmpty());
  AppendTo(directory_ / "events", "e\n");
  EXPECT_THAT(Poll(tail_), ElementsAre("bee"));
}

TEST_F(EventTailTest, TornLineThatIsCutOffIsNeverSeen) {
  AppendTo(directory_ / "events", "a\ntorn");
  EXPECT_THAT(Poll(tail_), ElementsAre("a"));
  std::filesystem::resize_file(directory_ / "events", 2);
  AppendTo(directory_ / "events", "b\n");
  EXPECT_THAT(Poll(tail_), ElementsAre("b"));
}

TEST_F(EventTailTest, GoesOnWhereAnEarlierTailStopped) {
  AppendTo(directory_ / "events", "a\nb\n");
  Poll(tail_);
  AppendTo(directory_ / "events", "c\n");
  EventTail second(directory_ / "events", tail_.offset());
  EXPECT_THAT(Poll(second), ElementsAre("c"));
}

TEST_F(EventTailTest, OverlongLineIsAnErrorAndNoEndlessWait) {
  AppendTo(directory_ / "events", std::string(5U << 20, 'x'));
  const auto lines = tail_.Poll();
  ASSERT_FALSE(lines.has_value());
  EXPECT_EQ(lines.error().reason, Reason::damage);
}

}  // namespace
}  // namespace muster::cli
