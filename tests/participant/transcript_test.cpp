// The core's behaviour, to be read: tests/participant/transcripts/*.txt.
#include "tests/support/transcript.h"
#include "script.h"

namespace muster::participant {
namespace {

class TranscriptTest : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(TranscriptTest, IsWhatTheCoreDoes) {
  Script script;
  testing::ExpectTranscript(GetParam(),
                            [&](const std::string& command) { return script.Play(command); });
}

INSTANTIATE_TEST_SUITE_P(
    Participant, TranscriptTest,
    ::testing::ValuesIn(testing::TranscriptFiles("tests/participant/transcripts")),
    testing::TranscriptName);

}  // namespace
}  // namespace muster::participant
