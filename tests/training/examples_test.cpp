#include "training/examples.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "tests/support/temp_dir.h"
#include "tests/training/idx_support.h"
#include "tests/training/job_support.h"
#include "training/digits.h"

namespace muster {
namespace {

JobSpec IdxJob() {
  JobSpec job = SmallJob();
  job.data.source = DataSource::idx;
  job.data.train_examples = 0;
  job.data.test_examples = 0;
  return job;
}

void WriteIdxPair(const TempDir& dir, const std::string& prefix, std::uint32_t count) {
  WriteText(dir / (prefix + "-images-idx3-ubyte"), IdxImages(count));
  WriteText(dir / (prefix + "-labels-idx1-ubyte"), IdxLabels(count));
}

std::shared_ptr<const ExampleSet> Open(const JobSpec& job, Split split,
                                       const DataOptions& options = {}) {
  auto set = OpenExamples(job, split, options);
  EXPECT_TRUE(set.has_value()) << set.error().Text();
  return *set;
}

TEST(Examples, MoreThanTheFileHoldsAreRefused) {
  const TempDir dir;
  WriteIdxPair(dir, "train", 20);
  JobSpec job = IdxJob();
  job.data.train_examples = 21;
  const auto set = OpenExamples(job, Split::train, {dir.path()});
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(set.error().reason, Reason::config_invalid);
}

TEST(Examples, MoreThanAProcessHoldsAreRefused) {
  JobSpec job = SmallJob();
  job.data.train_examples = 1ULL << 32;
  const auto set = OpenExamples(job, Split::train, {});
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(set.error().reason, Reason::config_invalid);
}

TEST(Examples, FewerThanTheFileHoldsAreItsFirst) {
  const TempDir dir;
  WriteIdxPair(dir, "train", 20);
  JobSpec job = IdxJob();
  job.data.train_examples = 15;
  const auto set = Open(job, Split::train, {dir.path()});
  ASSERT_EQ(set->labels().size(), 15U);
  EXPECT_EQ(set->labels()[14], 4);
  EXPECT_EQ(set->Image(14)[3], 17);
}

TEST(Examples, AMachineMayHoldOneSplitAlone) {
  const TempDir dir;
  const JobSpec job = IdxJob();
  EXPECT_EQ(CheckExamples(job, {dir.path()}).error().reason, Reason::file_unreadable);
  WriteIdxPair(dir, "t10k", 5);
  EXPECT_TRUE(CheckExamples(job, {dir.path()}).has_value());
  const auto train = OpenExamples(job, Split::train, {dir.path()});
  ASSERT_FALSE(train.has_value());
  EXPECT_EQ(train.error().reason, Reason::file_unreadable) << train.error().Text();
}

TEST(Examples, ABrokenHeaderIsSeenAtTheFirstLook) {
  const TempDir dir;
  WriteIdxPair(dir, "train", 5);
  WriteText(dir / "t10k-images-idx3-ubyte", "no header");
  EXPECT_EQ(CheckExamples(IdxJob(), {dir.path()}).error().reason, Reason::file_malformed);
}

TEST(Examples, NoDirectoryIsAnErrorOfTheConfig) {
  EXPECT_EQ(CheckExamples(IdxJob(), {}).error().reason, Reason::config_invalid);
}

TEST(Examples, AllAskersOfOneProcessShareOneSet) {
  const TempDir dir;
  WriteIdxPair(dir, "train", 20);
  const auto first = Open(IdxJob(), Split::train, {dir.path()});
  EXPECT_EQ(Open(IdxJob(), Split::train, {dir.path() + "/."}), first);
  const auto digits = Open(SmallJob(), Split::train);
  EXPECT_EQ(Open(SmallJob(), Split::train), digits);
  EXPECT_NE(Open(SmallJob(), Split::test), digits);
  JobSpec other_seed = SmallJob();
  other_seed.seed = 8;
  EXPECT_NE(Open(other_seed, Split::train), digits);
}

TEST(Examples, ASetGoesWithItsLastHolder) {
  std::weak_ptr<const ExampleSet> gone = Open(SmallJob(), Split::train);
  EXPECT_TRUE(gone.expired());
}

TEST(Examples, ThreadsThatAskAtOnceSeeTheOneDrawing) {
  const auto set = Open(SmallJob(), Split::train);
  constexpr std::uint32_t kCount = 200;
  std::array<std::array<const std::uint8_t*, kCount>, 4> seen{};
  {
    std::vector<std::jthread> threads;
    for (auto& images : seen) {
      threads.emplace_back([&set, &images] {
        for (std::uint32_t i = 0; i < kCount; ++i) images[i] = set->Image(i);
      });
    }
  }
  for (std::uint32_t i = 0; i < kCount; ++i) {
    std::array<std::uint8_t, kImageBytes> drawn{};
    DrawDigit(SmallJob().seed, Split::train, i, drawn);
    for (const auto& images : seen) ASSERT_EQ(images[i], seen[0][i]);
    ASSERT_TRUE(std::equal(drawn.begin(), drawn.end(), seen[0][i]));
    ASSERT_EQ(set->labels()[i], DigitLabel(i));
  }
}

}  // namespace
}  // namespace muster
