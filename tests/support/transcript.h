// Transcript tests: each file is a script and what must come of it: "# why", "> command", and below
// each command, indented, every effect. MUSTER_REWRITE_TRANSCRIPTS=1 writes the files anew; the
// difference is then reviewed like code.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace muster::testing {

/// The effects of one command, a line each.
using PlayCommand = std::function<std::vector<std::string>(const std::string& command)>;

/// The .txt files of `folder` (below the source tree), sorted.
std::vector<std::filesystem::path> TranscriptFiles(const std::string& folder);

/// Fails the running test unless playing the file's commands gives the file again.
void ExpectTranscript(const std::filesystem::path& file, const PlayCommand& play);

/// The file's name as a test's name.
std::string TranscriptName(const ::testing::TestParamInfo<std::filesystem::path>& info);

}  // namespace muster::testing
