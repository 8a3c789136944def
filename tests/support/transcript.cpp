#include "transcript.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace muster::testing {
namespace fs = std::filesystem;

std::vector<fs::path> TranscriptFiles(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(std::string(MUSTER_SOURCE_DIR) + "/" + folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void ExpectTranscript(const fs::path& file, const PlayCommand& play) {
  std::ostringstream expected;
  expected << std::ifstream(file).rdbuf();
  ASSERT_NE(expected.str().find("> "), std::string::npos) << "an empty transcript shows nothing";
  std::istringstream in(expected.str());
  std::string line, actual;
  while (std::getline(in, line)) {
    if (line.starts_with("  ")) continue;
    actual += line + "\n";
    if (!line.starts_with("> ")) continue;
    for (const std::string& effect : play(line.substr(2))) actual += "  " + effect + "\n";
  }
  if (std::getenv("MUSTER_REWRITE_TRANSCRIPTS") != nullptr) {
    std::ofstream(file) << actual;
    return;
  }
  EXPECT_EQ(actual, expected.str()) << file;
}

std::string TranscriptName(const ::testing::TestParamInfo<fs::path>& info) {
  std::string name = info.param.stem();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace muster::testing
