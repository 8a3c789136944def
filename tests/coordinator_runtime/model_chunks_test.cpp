// The model as it goes out: one seal for all who ask for a chunk.
#include "coordinator/runtime/model_chunks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/digest.h"
#include "common/limits.h"

namespace muster::coordinator {
namespace {

constexpr std::uint32_t kChunk = limits::kTransferChunkBytes;

class ModelChunksTest : public ::testing::Test {
 protected:
  /// Of `chunks` chunks and a half.
  std::shared_ptr<const ParameterSet> Model(std::uint64_t chunks, float value) {
    auto layout = ParameterLayout::Create(
        {{"w", DType::f32, {(2 * chunks + 1) * kChunk / 2 / sizeof(float)}}});
    auto set = std::make_shared<ParameterSet>(*layout);
    std::ranges::fill(set->F32(0), value);
    return set;
  }
  ModelChunks chunks_;
};

TEST_F(ModelChunksTest, AllWhoAskForAChunkShareItsSeal) {
  const auto model = Model(2, 1);
  chunks_.SetHead(7, model);
  const auto first = chunks_.Get(7, kChunk, kChunk);
  const auto again = chunks_.Get(7, kChunk, kChunk);
  const auto other = chunks_.Get(7, 0, kChunk);
  const auto last = chunks_.Get(7, 2 * kChunk, kChunk / 2);
  EXPECT_EQ(first.payload.bytes.data(), model->bytes().data() + kChunk);
  EXPECT_EQ(first.message.checksum, Xxh64Of(model->bytes().subspan(kChunk, kChunk)));
  EXPECT_EQ(first.message.offset, kChunk);
  EXPECT_EQ(first.message.bytes, kChunk);
  EXPECT_EQ(first.message.version, 7U);
  EXPECT_NE(first.payload.shared, nullptr);
  EXPECT_EQ(first.payload.shared, again.payload.shared);
  EXPECT_NE(first.payload.shared, other.payload.shared);
  EXPECT_EQ(last.payload.shared, chunks_.Get(7, 2 * kChunk, kChunk / 2).payload.shared);
}

TEST_F(ModelChunksTest, ANewHeadHasSealsOfItsOwn) {
  chunks_.SetHead(7, Model(1, 1));
  const auto before = chunks_.Get(7, 0, kChunk);
  const auto next = Model(1, 2);
  chunks_.SetHead(8, next);
  const auto after = chunks_.Get(8, 0, kChunk);
  EXPECT_NE(before.payload.shared, after.payload.shared);
  EXPECT_EQ(after.message.checksum, Xxh64Of(next->bytes().first(kChunk)));
}

TEST_F(ModelChunksTest, HoldsTheNewestAndFindsWhatIsStillUnderWay) {
  constexpr std::uint64_t kHeld = ModelChunks::kHeldBytesMax / kChunk;
  chunks_.SetHead(7, Model(kHeld + 2, 1));
  const auto under_way = chunks_.Get(7, 0, kChunk);
  std::weak_ptr<SharedSeal> sent = chunks_.Get(7, kChunk, kChunk).payload.shared;
  EXPECT_FALSE(sent.expired());
  for (std::uint64_t i = 2; i < kHeld + 2; ++i) chunks_.Get(7, i * kChunk, kChunk);
  EXPECT_TRUE(sent.expired()) << "nobody needs it, and newer ones fill the room";
  EXPECT_EQ(chunks_.Get(7, 0, kChunk).payload.shared, under_way.payload.shared);
}

}  // namespace
}  // namespace muster::coordinator
