// The core's behaviour, to be read: tests/coordinator/transcripts/*.txt.
#include "tests/support/transcript.h"
#include "script.h"

namespace muster::coordinator {
namespace {

class TranscriptTest : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(TranscriptTest, IsWhatTheCoreDoes) {
  Script script;
  testing::ExpectTranscript(GetParam(),
                            [&](const std::string& command) { return script.Play(command); });
}

INSTANTIATE_TEST_SUITE_P(
    Coordinator, TranscriptTest,
    ::testing::ValuesIn(testing::TranscriptFiles("tests/coordinator/transcripts")),
    testing::TranscriptName);

}  // namespace
}  // namespace muster::coordinator
