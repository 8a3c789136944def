// Stores of processes that are killed, or whose disk is really full.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster {
namespace {

class ProcessTest : public StoreFixture {
 protected:
  /// Runs store_child; its standard output goes to the returned descriptor's other end.
  struct Child {
    pid_t pid = -1;
    int output = -1;
  };
  Child Start(const std::string& verb, const std::string& argument) {
    std::array<int, 2> ends;
    EXPECT_EQ(pipe(ends.data()), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      execl(MUSTER_STORE_CHILD, MUSTER_STORE_CHILD, verb.c_str(), argument.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    return {pid, ends[0]};
  }
  int Wait(const Child& child) {
    int status = 0;
    EXPECT_EQ(waitpid(child.pid, &status, 0), child.pid);
    close(child.output);
    return status;
  }
  /// Lets the child say `count` numbers, kills it, and returns the last one it said.
  std::uint32_t KillAfter(int count) {
    const Child child = Start("write", directory());
    std::uint32_t last = 0;
    std::uint32_t number = 0;
    for (int said = 0; said < count; ++said) {
      if (read(child.output, &number, sizeof(number)) != sizeof(number)) break;
      last = number;
    }
    kill(child.pid, SIGKILL);
    while (read(child.output, &number, sizeof(number)) == sizeof(number)) last = number;
    EXPECT_TRUE(WIFSIGNALED(Wait(child))) << "the child ended by itself";
    return last;
  }
};

TEST_F(ProcessTest, AKilledWriterLosesNoSyncedBatch) {
  for (const int count : {1, 7, 50, 200, 3}) {
    const std::uint32_t said = KillAfter(count);
    ASSERT_GE(said, static_cast<std::uint32_t>(count));
    const auto reader = OpenReader();
    ASSERT_TRUE(reader);
    const RecoveredState& state = reader->recovered();
    // The batch at work when the kill came may be there, but then as a whole.
    EXPECT_GE(state.accepted.size(), said);
    EXPECT_LE(state.accepted.size(), said + 1);
    EXPECT_EQ(state.fates.size(), state.accepted.size());
    for (std::uint32_t i = 0; i < state.accepted.size(); ++i) {
      EXPECT_EQ(state.accepted[i].id.slot, i + 1);
    }
  }
}

TEST_F(ProcessTest, AWriterInAnotherProcessHoldsTheState) {
  const Child child = Start("write", directory());
  std::uint32_t number = 0;
  ASSERT_EQ(read(child.output, &number, sizeof(number)), ssize_t{sizeof(number)});
  EXPECT_EQ(OpenError().reason, Reason::state_in_use);
  const auto reader = OpenReader();
  ASSERT_TRUE(reader);
  EXPECT_GE(reader->recovered().accepted.size(), 1U);
  kill(child.pid, SIGKILL);
  Wait(child);
  Open();
}

TEST_F(ProcessTest, AFullFileSystemIsSurvived) {
  const std::string place = temporary_ / "small";
  std::filesystem::create_directory(place);
  const int status = Wait(Start("fill", place));
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "this machine does not let us mount";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace muster
