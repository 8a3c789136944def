#include "cli/run_files.h"

#include <gtest/gtest.h>

#include "tests/cli/append_to.h"
#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

TEST(RunFile, ComesBackAsItWasWritten) {
  const TempDir directory;
  RunState state;
  state.supervisor_pid = 11;
  state.coordinator = {{}, 12, 3};
  state.processes = {{{"site-00", "site-01"}, 13, 0}, {{"site-02"}, 0, 2}};
  ASSERT_TRUE(WriteRunState(directory / "run.json", state).has_value());
  const Result<RunState> read = ReadRunState(directory / "run.json");
  ASSERT_TRUE(read.has_value()) << read.error().Text();
  EXPECT_EQ(read->supervisor_pid, 11);
  EXPECT_EQ(read->coordinator.pid, 12);
  EXPECT_EQ(read->coordinator.restarts, 3U);
  ASSERT_EQ(read->processes.size(), 2U);
  EXPECT_EQ(read->processes[0].names, (std::vector<std::string>{"site-00", "site-01"}));
  EXPECT_EQ(read->processes[1].restarts, 2U);
}

TEST(RunFile, MalformedFileIsAnErrorAndNoThrow) {
  const TempDir directory;
  for (const char* text : {"", "{", "[]", "{\"supervisor_pid\":\"x\"}", "{\"supervisor_pid\":1}"}) {
    std::ofstream(directory / "run.json") << text;
    const Result<RunState> read = ReadRunState(directory / "run.json");
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().reason, Reason::file_malformed) << text;
  }
}

TEST(Shown, OffsetIsRememberedAndOverwritten) {
  const TempDir directory;
  EXPECT_EQ(ReadShown(directory / "shown"), 0U);
  ASSERT_TRUE(WriteShown(directory / "shown", 123456).has_value());
  EXPECT_EQ(ReadShown(directory / "shown"), 123456U);
  ASSERT_TRUE(WriteShown(directory / "shown", 7).has_value());
  EXPECT_EQ(ReadShown(directory / "shown"), 7U);
}

TEST(Shown, NonsenseIsZero) {
  const TempDir directory;
  AppendTo(directory / "shown", "nonsense");
  EXPECT_EQ(ReadShown(directory / "shown"), 0U);
}

TEST(ParticipantName, HasTwoDigitsOrMore) {
  EXPECT_EQ(ParticipantName("site", 3), "site-03");
  EXPECT_EQ(ParticipantName("site", 123), "site-123");
}

}  // namespace
}  // namespace muster::cli
