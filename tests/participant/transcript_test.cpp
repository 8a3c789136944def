// Each file in transcripts/ is a script and what must come of it: "# why", "> command", and below
// each command, indented, every effect. MUSTER_REWRITE_TRANSCRIPTS=1 writes the files anew; the
// difference is then reviewed like code.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "script.h"

namespace muster::participant {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> TranscriptFiles() {
  std::vector<fs::path> files;
  for (const auto& entry :
       fs::directory_iterator(std::string(MUSTER_SOURCE_DIR) + "/tests/participant/transcripts")) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string ReadText(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The transcript with what really came of its commands.
std::string PlayAgain(const std::string& transcript) {
  Script script;
  std::istringstream in(transcript);
  std::string line, out;
  while (std::getline(in, line)) {
    if (line.starts_with("  ")) continue;
    out += line + "\n";
    if (!line.starts_with("> ")) continue;
    for (const std::string& effect : script.Play(line.substr(2))) out += "  " + effect + "\n";
  }
  return out;
}

class TranscriptTest : public testing::TestWithParam<fs::path> {};

TEST_P(TranscriptTest, IsWhatTheCoreDoes) {
  const std::string expected = ReadText(GetParam());
  ASSERT_NE(expected.find("> "), std::string::npos) << "an empty transcript shows nothing";
  const std::string actual = PlayAgain(expected);
  if (std::getenv("MUSTER_REWRITE_TRANSCRIPTS") != nullptr) {
    std::ofstream(GetParam()) << actual;
    return;
  }
  EXPECT_EQ(actual, expected) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Participant, TranscriptTest, testing::ValuesIn(TranscriptFiles()),
                         [](const testing::TestParamInfo<fs::path>& file) {
                           std::string name = file.param.stem();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace muster::participant
