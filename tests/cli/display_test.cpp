// Tables, plots and the picture of a running federation, as text.
#include <gtest/gtest.h>

#include "cli/live_display.h"
#include "cli/plot.h"
#include "cli/text.h"
#include "common/text.h"

namespace muster::cli {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoTrailingSpaces) {
  Table table({"n", "name", "x"}, {0});
  table.Add({"1", "a", ""});
  table.Add({"10", "long name", "y"});
  EXPECT_EQ(table.Text(),
            " n  name       x\n"
            " 1  a\n"
            "10  long name  y\n");
}

TEST(HumanBytes, ChangesUnitsAtPowersOfAThousand) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(1000), "1.0 kB");
  EXPECT_EQ(HumanBytes(999'960), "1.0 MB");
  EXPECT_EQ(HumanBytes(3'400'000'000), "3.4 GB");
}

TEST(HumanSeconds, ReadsLikeATime) {
  EXPECT_EQ(HumanSeconds(0.84), "0.8 s");
  EXPECT_EQ(HumanSeconds(59.99), "1 min 0 s");
  EXPECT_EQ(HumanSeconds(200), "3 min 20 s");
  EXPECT_EQ(HumanSeconds(7260), "2 h 1 min");
}

TEST(HumanList, NamesSomeAndCountsTheRest) {
  EXPECT_EQ(HumanList({"a", "b"}, 2), "a, b");
  EXPECT_EQ(HumanList({"a", "b", "c", "d"}, 2), "a, b and 2 more");
}

TEST(Counted, OneIsNoPlural) {
  EXPECT_EQ(Counted(1, "attempt"), "1 attempt");
  EXPECT_EQ(Counted(0, "attempt"), "0 attempts");
  EXPECT_EQ(Counted(2, "chunk"), "2 chunks");
}

TEST(DoneOf, MoreThanAskedForIsSaidSo) {
  EXPECT_EQ(DoneOf(4, 10), "4 of 10");
  EXPECT_EQ(DoneOf(10, 10), "10 of 10");
  EXPECT_EQ(DoneOf(10, 4), "10, more than the 4 asked for");
}

TEST(Clip, CutsBetweenCodePoints) {
  EXPECT_EQ(Clip("abc", 5), "abc");
  EXPECT_EQ(Clip("abc", 2), "ab");
  EXPECT_EQ(Clip("\xc3\xa4\xc3\xb6", 1), "\xc3\xa4");
}

TEST(Plot, DrawsARisingCurve) {
  EXPECT_EQ(RenderPlot({{1, 0.0}, {2, 0.5}, {3, 1.0}}, "t", {5, 3}),
            "t\n"
            "   1.000 |    *\n"
            "   0.500 |  *\n"
            "   0.000 |*\n"
            "         +-----\n"
            "          1   3\n");
}

TEST(Plot, OnePointAndAFlatLineAreDrawnToo) {
  EXPECT_NE(RenderPlot({{1, 0.5}}, "t", {5, 3}).find('*'), std::string::npos);
  EXPECT_NE(RenderPlot({{1, 0.5}, {2, 0.5}}, "t", {5, 3}).find('*'), std::string::npos);
  EXPECT_EQ(RenderPlot({}, "t", {5, 3}), "");
}

LiveState FullState() {
  LiveState state;
  state.job = "demo";
  state.rounds = 4;
  state.last_version.emplace();
  state.last_version->version = 1;
  state.last_version->accuracy = 0.5;
  state.status.emplace();
  state.status->goal = 30;
  state.status->phase = "report";
  state.status->awaited = {"site-07"};
  for (std::uint32_t i = 0; i < 30; ++i) {
    state.status->participants.push_back(
        {i, "site-" + std::to_string(i), "connected", "working", true, false});
  }
  return state;
}

TEST(LiveDisplay, ShowsWhoIsAwaitedAndWhatTheCohortDoes) {
  std::string text;
  for (const std::string& line : RenderLive(FullState(), 100, 60)) text += line + "\n";
  EXPECT_NE(text.find("rounds 1 of 4"), std::string::npos) << text;
  EXPECT_NE(text.find("awaited   site-07"), std::string::npos) << text;
  EXPECT_NE(text.find("site-29"), std::string::npos) << text;
}

TEST(LiveDisplay, NeverExceedsTheTerminal) {
  for (std::size_t rows = 1; rows < 45; ++rows) {
    for (const std::size_t columns : {1UL, 20UL, 80UL}) {
      const auto lines = RenderLive(FullState(), columns, rows);
      EXPECT_LE(lines.size(), rows);
      for (const std::string& line : lines) EXPECT_LE(line.size(), columns);
    }
  }
}

TEST(LiveDisplay, SaysThatTheCoordinatorDoesNotAnswer) {
  LiveState state = FullState();
  state.status.reset();
  const auto lines = RenderLive(state, 100, 60);
  EXPECT_EQ(lines[2], "round     the coordinator does not answer yet");
}

}  // namespace
}  // namespace muster::cli
