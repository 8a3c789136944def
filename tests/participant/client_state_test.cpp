// Client-side state in the core: it moves on upon a commit alone, and every crash between leaves
// one of the two.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/digest.h"
#include "tests/participant/script.h"

namespace muster::participant {
namespace {

std::string DigestText(const std::string& name) {
  return Hex(Xxh128Of(AsBytes(name))).substr(0, 8);
}

class ClientStateTest : public ::testing::Test {
 protected:
  std::vector<std::string> Play(const std::vector<std::string>& commands) {
    std::vector<std::string> lines;
    for (const std::string& command : commands) lines = script_.Play(command);
    return lines;
  }
  /// The line that begins so, or nothing.
  static std::string Line(const std::vector<std::string>& lines, const std::string& start) {
    const auto found = std::ranges::find_if(
        lines, [&](const std::string& line) { return line.starts_with(start); });
    return found == lines.end() ? "" : *found;
  }
  void Join() { Play({"started", "link_up", "welcome", "saved"}); }
  /// Downloads and begins round `round`; returns the start of the fit.
  std::string Begin(int round) {
    const std::string number = std::to_string(round), base = std::to_string(round - 1);
    return Line(
        Play({"task round=" + number + " base=" + base, "chunk offset=0",
              "chunk_stored offset=262144", "chunk offset=262144", "chunk_stored offset=524288",
              "chunk offset=524288 bytes=75712", "chunk_stored offset=600000", "model_checked"}),
        "start_fit");
  }

  Script script_;
};

TEST_F(ClientStateTest, MovesOnWithTheCommit) {
  Join();
  EXPECT_EQ(Begin(1), "start_fit l1.r1.s2.t0 base=0 epochs=2");
  EXPECT_EQ(Line(Play({"fit_done makes=one"}), "save_state").find("client=v"), std::string::npos);
  Play({"saved", "accepted"});
  EXPECT_NE(
      Line(Play({"committed version=1"}), "save_state").find("client=v1:" + DigestText("one")),
      std::string::npos);
  const auto lines = Play({"saved"});
  ASSERT_GE(lines.size(), 2U);
  EXPECT_EQ(lines[0], "promote_client");
  EXPECT_EQ(lines[1], "forget_update");
  EXPECT_EQ(Begin(2), "start_fit l1.r2.s2.t0 base=1 epochs=2 client=v1:" + DigestText("one"));
}

TEST_F(ClientStateTest, IsDeclaredInTheOffer) {
  Join();
  Begin(1);
  Play({"fit_done makes=one", "saved", "committed version=1", "saved"});
  Begin(2);
  const auto lines = Play({"fit_done client=1 makes=two", "saved"});
  EXPECT_NE(Line(lines, "send offer").find(" client=1"), std::string::npos);
}

TEST_F(ClientStateTest, StaysWhereItIsIfTheUpdateIsRefused) {
  Join();
  Begin(1);
  Play({"fit_done makes=one", "saved"});
  EXPECT_EQ(Line(Play({"refused reason=round_closed"}), "save_state").find("client="),
            std::string::npos);
  EXPECT_EQ(Line(Play({"saved"}), "promote_client"), "");
  EXPECT_EQ(Begin(2), "start_fit l1.r2.s2.t0 base=1 epochs=2");
}

TEST_F(ClientStateTest, IsAskedForBeforeANewerTaskIsBegun) {
  Join();
  Begin(1);
  Play({"fit_done makes=one", "saved", "accepted"});
  EXPECT_NE(Line(Play({"task round=2 base=1"}), "send offer l1.r1.s2.t0"), "")
      << "whether it counts may not have been heard";
  Play({"chunk offset=0", "chunk_stored offset=262144", "chunk offset=262144",
        "chunk_stored offset=524288", "chunk offset=524288 bytes=75712",
        "chunk_stored offset=600000"});
  EXPECT_EQ(Line(Play({"model_checked"}), "start_fit"), "");
  EXPECT_EQ(Line(Play({"committed round=1 version=1"}), "start_fit"), "");
  EXPECT_EQ(Line(Play({"saved"}), "start_fit l1.r2.s2.t0"),
            "start_fit l1.r2.s2.t0 base=1 epochs=2 client=v1:" + DigestText("one"));
}

TEST_F(ClientStateTest, MovesOnIfTheWelcomeTellsOfTheCommit) {
  Join();
  Begin(1);
  Play({"fit_done makes=one", "saved", "accepted", "killed", "started", "link_up"});
  EXPECT_NE(Line(Play({"welcome fate=committed version=1 head=1"}), "save_state")
                .find("client=v1:" + DigestText("one")),
            std::string::npos);
  EXPECT_NE(Line(Play({"saved"}), "promote_client"), "");
  EXPECT_EQ(Begin(2), "start_fit l1.r2.s2.t0 base=1 epochs=2 client=v1:" + DigestText("one"));
}

TEST_F(ClientStateTest, OutlivesTheProcess) {
  Join();
  Begin(1);
  Play({"fit_done makes=one", "saved", "committed version=1", "saved", "killed"});
  Play({"started", "link_up", "welcome head=1", "saved"});
  EXPECT_EQ(Begin(2), "start_fit l1.r2.s2.t0 base=1 epochs=2 client=v1:" + DigestText("one"));
}

TEST_F(ClientStateTest, IsTheOldOneIfTheProcessDiesBeforeTheCommitIsSaved) {
  Join();
  Begin(1);
  Play({"fit_done makes=one", "saved", "committed version=1", "killed", "started"});
  EXPECT_NE(Line(Play({"link_up"}), "send hello").find("retained=l1.r1.s2.t0"), std::string::npos)
      << "it asks again";
}

TEST_F(ClientStateTest, GoesWithTheVersionsThatANewLineageDoesNotHave) {
  Join();
  Begin(1);
  Play({"fit_done makes=one", "saved", "committed version=1", "saved", "killed", "started",
        "link_up"});
  const auto lines = Play({"welcome lineage=2:22<1:11@0 epoch=2:8 head=2"});
  EXPECT_EQ(Line(lines, "save_state").find("client="), std::string::npos);
  EXPECT_NE(Line(lines, "notice update_dropped").find("client-side state"), std::string::npos);
}

TEST_F(ClientStateTest, StaysInALineageThatHasItsVersion) {
  Join();
  Begin(1);
  Play({"fit_done makes=one", "saved", "committed version=1", "saved", "killed", "started",
        "link_up"});
  const auto lines = Play({"welcome lineage=2:22<1:11@1 epoch=2:8 head=3"});
  EXPECT_NE(Line(lines, "save_state").find("client=v1"), std::string::npos);
}

TEST_F(ClientStateTest, AnUpdateThatMakesOneIsKeptWhenTheJobEnds) {
  Join();
  Begin(1);
  Play({"fit_done makes=one", "saved", "accepted"});
  EXPECT_NE(Line(Play({"job_finished version=9"}), "save_state").find("retained=l1.r1.s2.t0"),
            std::string::npos)
      << "a job that goes on after all tells what became of it";
}

}  // namespace
}  // namespace muster::participant
