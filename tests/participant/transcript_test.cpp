#include <gtest/gtest.h>

#include "tests/participant/script.h"
#include "tests/support/transcript.h"

namespace muster::participant {
namespace {

class ParticipantTranscriptTest : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(ParticipantTranscriptTest, IsWhatTheCoreDoes) {
  Script script;
  muster::testing::ExpectTranscript(
      GetParam(), [&script](const std::string& command) { return script.Play(command); });
}

INSTANTIATE_TEST_SUITE_P(
    Files, ParticipantTranscriptTest,
    ::testing::ValuesIn(muster::testing::TranscriptFiles("tests/participant/transcripts")),
    muster::testing::TranscriptName);

}  // namespace
}  // namespace muster::participant
