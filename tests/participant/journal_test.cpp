#include "participant/runtime/journal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace muster::participant {
namespace {

constexpr std::uint64_t kBytesMax = 200;  // Four lines.

class JournalTest : public ::testing::Test {
 protected:
  void Write(int lines) {
    Result<Journal> journal = Journal::Open(path_, {1, 2, 3, 0}, kBytesMax);
    ASSERT_TRUE(journal) << journal.error().Text();
    for (int i = 0; i < lines; ++i) ASSERT_TRUE(journal->Write("batch", written_++));
  }
  std::vector<std::string> Lines(const std::string& suffix = "") {
    return ReadLines(path_ + suffix, 1 << 20).value_or(std::vector<std::string>{});
  }
  static std::string Line(std::uint64_t batch) {
    return R"({"fit":"l1.r2.s3.t0","event":"batch","batch":)" + std::to_string(batch) + "}";
  }

  TempDir dir_;
  std::string path_ = dir_ / "journal.jsonl";
  std::uint64_t written_ = 0;
};

TEST_F(JournalTest, NeverHoldsMoreThanTwoBounds) {
  for (int fit = 0; fit < 20; ++fit) Write(7);
  EXPECT_LE(std::filesystem::file_size(path_), kBytesMax);
  EXPECT_LE(std::filesystem::file_size(path_ + ".1"), kBytesMax);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".2"));
}

TEST_F(JournalTest, TheNewestLinesStandInOrderOverBothFiles) {
  Write(11);
  std::vector<std::string> lines = Lines(".1");
  for (const std::string& line : Lines()) lines.push_back(line);
  ASSERT_GE(lines.size(), 5U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i], Line(written_ - lines.size() + i));
  }
}

TEST_F(JournalTest, GoesOnInTheSameFileBelowTheBound) {
  Write(1);
  Write(1);
  EXPECT_EQ(Lines(), (std::vector<std::string>{Line(0), Line(1)}));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".1"));
}

}  // namespace
}  // namespace muster::participant
