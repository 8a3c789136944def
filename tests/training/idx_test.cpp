#include "training/idx.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/temp_dir.h"
#include "tests/training/idx_support.h"

namespace muster {
namespace {

constexpr const char* kImages = "train-images-idx3-ubyte";
constexpr const char* kLabels = "train-labels-idx1-ubyte";

class Idx : public ::testing::Test {
 protected:
  void ExpectImagesRefused(const std::string& content, Reason reason = Reason::file_malformed) {
    WriteText(dir_ / kImages, content);
    ExpectRefused(reason);
  }
  void ExpectRefused(Reason reason) {
    const auto images = ReadIdxImages(dir_.path(), Split::train);
    ASSERT_FALSE(images.has_value());
    EXPECT_EQ(images.error().reason, reason) << images.error().Text();
    EXPECT_NE(images.error().message.find(kImages), std::string::npos) << images.error().message;
  }

  TempDir dir_;
};

TEST_F(Idx, EveryTruncationOfTheHeaderIsRefused) {
  const std::string whole = IdxImages(1);
  for (std::size_t size = 0; size <= 16; ++size) ExpectImagesRefused(whole.substr(0, size));
}

TEST_F(Idx, AMissingByteIsRefused) {
  const std::string whole = IdxImages(3);
  ExpectImagesRefused(whole.substr(0, whole.size() - 1));
}

TEST_F(Idx, AByteTooManyIsRefused) { ExpectImagesRefused(IdxImages(3) + "x"); }

TEST_F(Idx, AnotherMagicNumberIsRefused) {
  ExpectImagesRefused(IdxLabels(1000));
  ExpectImagesRefused("PNG!" + IdxImages(1).substr(4));
}

TEST_F(Idx, OtherSizesOfImagesAreRefused) {
  ExpectImagesRefused(IdxImagesHeader(1, 32, 32) + std::string(32 * 32, '\0'));
  ExpectImagesRefused(IdxImagesHeader(1, 784, 1) + std::string(784, '\0'));
  ExpectImagesRefused(IdxImagesHeader(1, 0, 0));
  ExpectImagesRefused(IdxImagesHeader(1, 0xffffffff, 0xffffffff));
}

TEST_F(Idx, NoExamplesAreRefused) { ExpectImagesRefused(IdxImagesHeader(0)); }

// Under a sanitizer or a memory limit an allocation of the announced size would show.
TEST_F(Idx, AHugeAnnouncedCountIsRefused) {
  ExpectImagesRefused(IdxImagesHeader(0xffffffff) + std::string(784, '\0'));
  ExpectImagesRefused(IdxImagesHeader(1U << 26) + std::string(784, '\0'));
}

TEST_F(Idx, ACutGzipStreamIsRefused) {
  WriteGzip(dir_ / "whole.gz", IdxImages(20));
  const std::string whole = ReadText(dir_ / "whole.gz");
  for (std::size_t size = 3; size < whole.size(); size += 7) {
    WriteText(dir_ / (std::string(kImages) + ".gz"), whole.substr(0, size));
    ExpectRefused(Reason::file_malformed);
  }
}

TEST_F(Idx, AFlippedGzipChecksumIsRefused) {
  WriteGzip(dir_ / "whole.gz", IdxImages(20));
  std::string whole = ReadText(dir_ / "whole.gz");
  whole[whole.size() - 6] = static_cast<char>(whole[whole.size() - 6] ^ 1);
  WriteText(dir_ / (std::string(kImages) + ".gz"), whole);
  ExpectRefused(Reason::file_malformed);
}

TEST_F(Idx, AMissingFileIsNotFound) { ExpectRefused(Reason::not_found); }

TEST_F(Idx, ADirectoryOrPipeInPlaceOfTheFileIsUnreadable) {
  ASSERT_EQ(mkfifo((dir_ / kImages).c_str(), 0600), 0);
  ExpectRefused(Reason::file_unreadable);
  std::filesystem::remove(dir_ / kImages);
  std::filesystem::create_directory(dir_ / kImages);
  ExpectRefused(Reason::file_unreadable);
}

TEST_F(Idx, AClassAboveNineIsRefused) {
  WriteText(dir_ / kLabels, IdxLabelsHeader(3) + std::string("\1\12\2", 3));
  const auto labels = ReadIdxLabels(dir_.path(), Split::train);
  ASSERT_FALSE(labels.has_value());
  EXPECT_EQ(labels.error().reason, Reason::file_malformed);
  EXPECT_NE(labels.error().message.find("label 1 "), std::string::npos) << labels.error().message;
}

TEST_F(Idx, ImagesAndLabelsThatDifferInNumberAreRefused) {
  WriteText(dir_ / kImages, IdxImages(3));
  WriteText(dir_ / kLabels, IdxLabels(4));
  const auto count = CountIdxExamples(dir_.path(), Split::train);
  ASSERT_FALSE(count.has_value());
  EXPECT_EQ(count.error().reason, Reason::file_malformed);
}

TEST_F(Idx, PlainAndGzipFilesReadAlike) {
  WriteText(dir_ / kImages, IdxImages(2000));  // More than one block of reading.
  const auto plain = ReadIdxImages(dir_.path(), Split::train);
  std::filesystem::remove(dir_ / kImages);
  WriteGzip(dir_ / (std::string(kImages) + ".gz"), IdxImages(2000));
  const auto gzip = ReadIdxImages(dir_.path(), Split::train);
  ASSERT_TRUE(plain.has_value() && gzip.has_value());
  EXPECT_EQ(*plain, *gzip);
  ASSERT_EQ(plain->size(), 2000U * kImageBytes);
  EXPECT_EQ((*plain)[1999 * kImageBytes + 10], static_cast<std::uint8_t>(1999 + 10));
}

TEST_F(Idx, LabelsOfTheHeldOutSplitComeFromTheirOwnFile) {
  WriteText(dir_ / "t10k-labels-idx1-ubyte", IdxLabels(12));
  const auto labels = ReadIdxLabels(dir_.path(), Split::test);
  ASSERT_TRUE(labels.has_value());
  EXPECT_EQ(*labels, (std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1}));
}

// The original files, where a developer has them.
TEST(MnistFiles, AreRead) {
  const std::string dir = std::string(MUSTER_SOURCE_DIR) + "/../shared/data/mnist";
  if (!std::filesystem::is_directory(dir)) GTEST_SKIP() << "no MNIST files here";
  const auto images = ReadIdxImages(dir, Split::test);
  const auto labels = ReadIdxLabels(dir, Split::test);
  ASSERT_TRUE(images.has_value() && labels.has_value());
  EXPECT_EQ(images->size(), 10000U * kImageBytes);
  EXPECT_EQ(labels->size(), 10000U);
}

}  // namespace
}  // namespace muster
