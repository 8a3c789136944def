#include "training/fit_progress.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

constexpr std::uint64_t kBatchesTotal = 10;
constexpr std::uint64_t kMomentBytes = 40;

class SavedProgress : public ::testing::Test {
 protected:
  SavedProgress() {
    owner_.job[3] = std::byte{9};
    owner_.part = 4;
    progress_.task = {5, 6, 7};
    progress_.base[0] = std::byte{8};
    progress_.client[1] = std::byte{7};
    progress_.batches_done = 9;
    progress_.parameters = Bytes(128, std::byte{1});
    progress_.moments = Bytes(kMomentBytes, std::byte{2});
  }
  Result<FitProgress> Decode(ByteSpan bytes, std::uint64_t parameter_bytes = 128,
                             std::uint64_t moment_bytes = kMomentBytes) const {
    return DecodeFitProgress(bytes, owner_, parameter_bytes, moment_bytes, kBatchesTotal);
  }
  void ExpectRefused(const Result<FitProgress>& decoded) const {
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error().reason, Reason::file_malformed);
  }

  ProgressOwner owner_;
  FitProgress progress_;
};

TEST_F(SavedProgress, EveryTruncationIsRefused) {
  const Bytes bytes = EncodeFitProgress(progress_, owner_);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ExpectRefused(Decode(ByteSpan(bytes).first(size)));
  }
}

TEST_F(SavedProgress, EveryFlippedBitIsRefused) {
  Bytes bytes = EncodeFitProgress(progress_, owner_);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto mask = static_cast<std::byte>(1 << bit % 8);
    bytes[bit / 8] ^= mask;
    ExpectRefused(Decode(bytes));
    bytes[bit / 8] ^= mask;
  }
}

TEST_F(SavedProgress, ATrailingByteIsRefused) {
  Bytes bytes = EncodeFitProgress(progress_, owner_);
  bytes.push_back(std::byte{0});
  ExpectRefused(Decode(bytes));
}

TEST_F(SavedProgress, AnotherOwnersIsRefused) {
  ProgressOwner other = owner_;
  other.part = 5;
  ExpectRefused(Decode(EncodeFitProgress(progress_, other)));
  other = owner_;
  other.job[0] = std::byte{1};
  ExpectRefused(Decode(EncodeFitProgress(progress_, other)));
}

TEST_F(SavedProgress, AModelOfAnotherSizeIsRefused) {
  ExpectRefused(Decode(EncodeFitProgress(progress_, owner_), 192));
  ExpectRefused(Decode(EncodeFitProgress(progress_, owner_), 0));
}

TEST_F(SavedProgress, MomentsOfAnotherSizeAreRefused) {
  ExpectRefused(Decode(EncodeFitProgress(progress_, owner_), 128, 0));
  ExpectRefused(Decode(EncodeFitProgress(progress_, owner_), 128, 48));
}

TEST_F(SavedProgress, AFitWithoutABatchLeftIsRefused) {
  progress_.batches_done = kBatchesTotal;
  ExpectRefused(Decode(EncodeFitProgress(progress_, owner_)));
  progress_.batches_done = ~0ULL;
  ExpectRefused(Decode(EncodeFitProgress(progress_, owner_)));
}

TEST_F(SavedProgress, ComesBackAsItWas) {
  const auto decoded = Decode(EncodeFitProgress(progress_, owner_));
  ASSERT_TRUE(decoded.has_value()) << decoded.error().Text();
  EXPECT_EQ(decoded->task, progress_.task);
  EXPECT_EQ(decoded->base, progress_.base);
  EXPECT_EQ(decoded->client, progress_.client);
  EXPECT_EQ(decoded->moments, progress_.moments);
  EXPECT_EQ(decoded->batches_done, progress_.batches_done);
  EXPECT_EQ(decoded->parameters, progress_.parameters);
}

}  // namespace
}  // namespace muster
