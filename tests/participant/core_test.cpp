// What the transcripts do not show well: limits, weights, hostile grants, determinism.
#include "participant/core/core.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/limits.h"
#include "participant/core/describe.h"
#include "tests/participant/jobs.h"
#include "tests/participant/script.h"

namespace muster::participant {
namespace {

class CoreTest : public ::testing::Test {
 protected:
  /// Plays the commands; returns the effects of the last one.
  std::vector<std::string> Play(const std::vector<std::string>& commands) {
    std::vector<std::string> lines;
    for (const std::string& command : commands) lines = script_.Play(command);
    return lines;
  }
  void Join() { Play({"started", "link_up", "welcome", "saved"}); }
  void Download() {
    Play({"task round=1 base=0", "chunk offset=0", "chunk_stored offset=262144",
          "chunk offset=262144", "chunk_stored offset=524288", "chunk offset=524288 bytes=75712",
          "chunk_stored offset=600000", "model_checked"});
  }
  void Train() { Play({"fit_done", "saved"}); }
  static bool Has(const std::vector<std::string>& lines, const std::string& start) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.starts_with(start); });
  }
  static std::size_t Count(const std::vector<std::string>& lines, const std::string& start) {
    return static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(),
                      [&](const std::string& line) { return line.starts_with(start); }));
  }

  Script script_;
};

TEST_F(CoreTest, AWeightAboveTheMaximumEndsTheParticipantWithTheReason) {
  Join();
  Download();
  const auto lines = Play({"fit_done examples=1048577"});
  EXPECT_TRUE(Has(lines, "stop reason=weight_invalid"));
  EXPECT_FALSE(Has(lines, "save_state"));
}

TEST_F(CoreTest, AFitIsToldWhatTheStrategyAsksFor) {
  Join();
  Play({"task round=1 base=0", "chunk offset=0", "chunk_stored offset=262144",
        "chunk offset=262144", "chunk_stored offset=524288", "chunk offset=524288 bytes=75712",
        "chunk_stored offset=600000"});
  const auto lines = Play({"model_checked"});
  EXPECT_TRUE(Has(lines, "start_fit l1.r1.s2.t0 base=0 epochs=2"));
}

TEST_F(CoreTest, TheWeightIsTheNumberOfExamples) {
  Join();
  Download();
  const auto lines = Play({"fit_done examples=321", "saved"});
  EXPECT_TRUE(Has(lines, "send offer l1.r1.s2.t0"));
  EXPECT_NE(lines.at(1).find("weight=321"), std::string::npos) << lines.at(1);
}

TEST_F(CoreTest, AFailedFitEndsTheParticipantWithItsReason) {
  Join();
  Download();
  EXPECT_TRUE(Has(Play({"fit_failed"}), "stop reason=file_unreadable"));
}

TEST_F(CoreTest, NothingIsOfferedBeforeTheStateThatNamesItIsSaved) {
  Join();
  Download();
  EXPECT_FALSE(Has(Play({"fit_done"}), "send"));
  EXPECT_TRUE(Has(Play({"saved"}), "send offer"));
}

TEST_F(CoreTest, NoChunkIsSentBeyondTheCredit) {
  Join();
  Download();
  Train();
  EXPECT_EQ(Count(Play({"grant credit=300000 chunk=262144"}), "send_update_chunk"), 1U);
  EXPECT_EQ(Count(Play({"credit offset=262144"}), "send_update_chunk"), 1U);
}

TEST_F(CoreTest, ACreditSmallerThanAChunkStillMovesTheUpload) {
  Join();
  Download();
  Train();
  const auto lines = Play({"grant credit=100000 chunk=262144"});
  EXPECT_TRUE(Has(lines, "send_update_chunk l1.r1.s2.t0 offset=0 bytes=100000"));
}

TEST_F(CoreTest, AGrantForNothingOfferedIsIgnored) {
  Join();
  EXPECT_TRUE(Has(Play({"grant round=1"}), "notice ignored reason=unexpected_message"));
}

TEST_F(CoreTest, AGrantBeyondTheUpdateIsIgnored) {
  Join();
  Download();
  Train();
  EXPECT_TRUE(Has(Play({"grant offset=600001"}), "notice ignored reason=malformed_message"));
  EXPECT_TRUE(Has(Play({"grant credit=0"}), "notice ignored reason=malformed_message"));
}

TEST_F(CoreTest, ATaskOfAnotherLineageIsIgnored) {
  Join();
  EXPECT_TRUE(Has(Play({"task lineage=2 round=1"}), "notice ignored reason=malformed_message"));
}

TEST_F(CoreTest, ATaskOlderThanTheOneAtHandIsIgnored) {
  Join();
  Play({"task round=3 base=2"});
  EXPECT_TRUE(Has(Play({"task round=2 base=1"}), "notice ignored reason=unexpected_message"));
}

TEST_F(CoreTest, AModelHeldIsNotDownloadedAgain) {
  Join();
  Download();
  Train();
  Play({"refused reason=round_closed", "saved"});
  const auto lines = Play({"task round=2 base=0"});
  EXPECT_FALSE(Has(lines, "open_model"));
  EXPECT_TRUE(Has(lines, "start_fit l1.r2.s2.t0"));
}

TEST_F(CoreTest, ANewerTaskWaitsForTheOldFitToStop) {
  Join();
  Download();
  const auto lines = Play({"task round=2 base=0"});
  EXPECT_TRUE(Has(lines, "stop_fit save_position=no"));
  EXPECT_FALSE(Has(lines, "start_fit"));
  EXPECT_TRUE(Has(Play({"fit_stopped round=1"}), "start_fit l1.r2.s2.t0"));
}

TEST_F(CoreTest, AFitThatEndsWhileBeingReplacedIsForgotten) {
  Join();
  Download();
  Play({"task round=2 base=0"});
  const auto lines = Play({"fit_done round=1"});
  EXPECT_TRUE(Has(lines, "forget_update"));
  EXPECT_TRUE(Has(lines, "start_fit l1.r2.s2.t0"));
}

TEST_F(CoreTest, AWelcomeFloodIsCutOff) {
  Play({"started", "link_up", "welcome"});
  std::vector<std::string> lines;
  for (int i = 0; i < 33; ++i) lines = Play({"lease_ack"});
  EXPECT_TRUE(Has(lines, "disconnect"));
}

TEST_F(CoreTest, AStoppedCoreDoesNothing) {
  Join();
  EXPECT_TRUE(Has(Play({"refused reason=revoked id=no"}), "stop reason=revoked"));
  EXPECT_TRUE(Play({"started"}).empty());
}

TEST_F(CoreTest, TheDownloadKeepsTheWindow) {
  ParticipantOptions options;
  options.name = "p";
  ParticipantCore core(options, {});
  core.Step(Started{}, 0);
  core.Step(LinkUp{}, 0);
  Welcome welcome;
  welcome.job = EncodeJob(SmallJob());
  welcome.job_digest = Sha256Of(welcome.job);
  welcome.lineages = {{{1, 1}, 0, 0}};
  welcome.epoch = {1, 1};
  welcome.lease_ms = 1'000;
  const Fence fence{1, {1, 1}};
  core.Step(Received{fence, welcome}, 0);
  core.Step(StateSaved{1}, 0);
  TaskOrder order;
  order.id = {1, 1, 0, 0};
  order.model_bytes = 100U << 20;
  std::uint64_t asked = 0;
  const auto count = [&asked](const Effects& effects) {
    for (const Effect& effect : effects) {
      const SendBulk* send = std::get_if<SendBulk>(&effect);
      if (send == nullptr) continue;
      asked += std::get<ModelRequest>(send->message).bytes;
    }
  };
  count(core.Step(Received{fence, order}, 0));
  EXPECT_EQ(asked, limits::kCreditWindowBytes);
  count(core.Step(ChunkReceived{fence, {0, 0, limits::kTransferChunkBytes, 0}, 1}, 0));
  EXPECT_EQ(asked, limits::kCreditWindowBytes);
  count(core.Step(ChunkStored{0, limits::kTransferChunkBytes}, 0));
  EXPECT_EQ(asked, limits::kCreditWindowBytes + limits::kTransferChunkBytes);
}

}  // namespace
}  // namespace muster::participant
