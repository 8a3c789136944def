#include "cli/event_follower.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/cli/append_to.h"
#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

TEST(EventFollowerTest, SaysWhatIsAppendedWhileItFollowsAndNothingBefore) {
  const TempDir dir;
  const std::string path = dir / "metrics.jsonl";
  AppendTo(path, "{\"event\":\"started\",\"epoch\":1}\n");
  ::testing::internal::CaptureStdout();
  {
    const EventFollower follower(path, Format::json);
    AppendTo(path, "{\"event\":\"drained\",\"version\":3}\n");
  }
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "{\"event\":\"drained\",\"version\":3}\n");
}

TEST(EventFollowerTest, AVersionIsALineOfText) {
  const TempDir dir;
  const std::string path = dir / "metrics.jsonl";
  ::testing::internal::CaptureStdout();
  {
    const EventFollower follower(path, Format::text);
    AppendTo(path,
             "{\"event\":\"version\",\"round\":7,\"version\":7,\"digest\":\"abcdefabcdefabcdef\","
             "\"accepted\":2,\"attempts\":1,\"seconds\":0.5}\n");
  }
  const std::string said = ::testing::internal::GetCapturedStdout();
  EXPECT_NE(said.find("     7  "), std::string::npos) << said;
  EXPECT_NE(said.find("abcdefabcdef\n"), std::string::npos) << said;
}

}  // namespace
}  // namespace muster::cli
