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

class Shown : public ::testing::Test {
 protected:
  std::uint64_t Read() const { return ReadShown(directory_ / "shown", directory_ / "log"); }
  void Write(std::uint64_t offset) const {
    ASSERT_TRUE(WriteShown(directory_ / "shown", offset).has_value());
  }

  TempDir directory_;
};

TEST_F(Shown, OffsetIsRememberedAndOverwritten) {
  AppendTo(directory_ / "log", "one\nline two\n");
  EXPECT_EQ(Read(), 0U);
  Write(13);
  EXPECT_EQ(Read(), 13U);
  Write(4);
  EXPECT_EQ(Read(), 4U);
}

TEST_F(Shown, LogThatWasRemovedOrWrittenAnewIsShownFromItsBeginning) {
  Write(4);
  EXPECT_EQ(Read(), 0U) << "there is no log";
  AppendTo(directory_ / "log", "x\n");
  EXPECT_EQ(Read(), 0U) << "it is shorter";
  AppendTo(directory_ / "log", "another line\n");
  EXPECT_EQ(Read(), 0U) << "no line ends there";
}

TEST_F(Shown, NonsenseIsZero) {
  AppendTo(directory_ / "log", "one\n");
  AppendTo(directory_ / "shown", "nonsense");
  EXPECT_EQ(Read(), 0U);
}

TEST(ParticipantName, HasTwoDigitsOrMore) {
  EXPECT_EQ(ParticipantName("site", 3), "site-03");
  EXPECT_EQ(ParticipantName("site", 123), "site-123");
}

}  // namespace
}  // namespace muster::cli
