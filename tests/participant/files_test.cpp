// The participant's own files: state.bin, position.bin, and the log's lines.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "common/digest.h"
#include "common/file.h"
#include "participant/runtime/model_buffer.h"
#include "participant/runtime/position_file.h"
#include "participant/runtime/state_file.h"
#include "tests/support/temp_dir.h"

namespace muster::participant {
namespace {

DurableState FullState() {
  DurableState state;
  state.job = Sha256Of(AsBytes("job"));
  state.seen = SeenState{{2, 0x1122334455667788}, {7, 0x8877665544332211}, 41};
  state.retained = RetainedUpdate{{2, 42, 3, 1},
                                  Xxh128Of(AsBytes("update")),
                                  800'000,
                                  600,
                                  41,
                                  40,
                                  ClientBytes{Xxh128Of(AsBytes("next")), 1'600'000}};
  state.client = ClientState{40, {Xxh128Of(AsBytes("client")), 1'600'000}};
  return state;
}

void ExpectEqual(const DurableState& a, const DurableState& b) {
  EXPECT_EQ(a.job, b.job);
  EXPECT_EQ(a.client, b.client);
  EXPECT_EQ(a.seen, b.seen);
  ASSERT_EQ(a.retained.has_value(), b.retained.has_value());
  if (!a.retained) return;
  EXPECT_EQ(a.retained->id, b.retained->id);
  EXPECT_EQ(a.retained->digest, b.retained->digest);
  EXPECT_EQ(a.retained->bytes, b.retained->bytes);
  EXPECT_EQ(a.retained->weight, b.retained->weight);
  EXPECT_EQ(a.retained->base_version, b.retained->base_version);
  EXPECT_EQ(a.retained->client_version, b.retained->client_version);
  EXPECT_EQ(a.retained->client_next, b.retained->client_next);
}

TEST(StateFileTest, WhatIsWrittenIsRead) {
  TempDir dir;
  DurableState without_next = FullState();
  without_next.retained->client_next.reset();
  DurableState client_alone = FullState();
  client_alone.retained.reset();
  for (const DurableState& state : {DurableState{}, FullState(), without_next, client_alone}) {
    ASSERT_TRUE(WriteStateFile(dir / "state.bin", state));
    const auto read = ReadStateFile(dir / "state.bin");
    ASSERT_TRUE(read) << read.error().Text();
    ExpectEqual(*read, state);
  }
}

TEST(StateFileTest, FieldsLieWhereTheFormatSays) {
  const Bytes bytes = EncodeState(FullState());
  ASSERT_EQ(bytes.size(), 216U);
  EXPECT_EQ(Hex(ByteSpan(bytes).first(8)), "4d50535402001f00");
  EXPECT_EQ(LoadLittle<Sha256Digest>(bytes, 8), Sha256Of(AsBytes("job")));
  EXPECT_EQ(Hex(ByteSpan(bytes).subspan(40, 36)),
            "02000000887766554433221107000000000000001122334455667788"
            "2900000000000000");
  EXPECT_EQ(Hex(ByteSpan(bytes).subspan(76, 20)), "020000002a000000000000000300000001000000");
  EXPECT_EQ(LoadLittle<Xxh128Digest>(bytes, 96), Xxh128Of(AsBytes("update")));
  EXPECT_EQ(LoadLittle<std::uint64_t>(bytes, 112), 800'000U);
  EXPECT_EQ(LoadLittle<std::uint64_t>(bytes, 120), 600U);
  EXPECT_EQ(LoadLittle<std::uint64_t>(bytes, 128), 41U);
  EXPECT_EQ(LoadLittle<std::uint64_t>(bytes, 136), 40U);
  EXPECT_EQ(LoadLittle<Xxh128Digest>(bytes, 144), Xxh128Of(AsBytes("next")));
  EXPECT_EQ(LoadLittle<std::uint64_t>(bytes, 160), 1'600'000U);
  EXPECT_EQ(LoadLittle<std::uint64_t>(bytes, 168), 40U);
  EXPECT_EQ(LoadLittle<Xxh128Digest>(bytes, 176), Xxh128Of(AsBytes("client")));
  EXPECT_EQ(LoadLittle<std::uint64_t>(bytes, 192), 1'600'000U);
}

TEST(StateFileTest, NoFileIsAnEmptyState) {
  TempDir dir;
  const auto read = ReadStateFile(dir / "state.bin");
  ASSERT_TRUE(read);
  ExpectEqual(*read, DurableState{});
}

TEST(StateFileTest, EveryTornLengthIsDamage) {
  const Bytes whole = EncodeState(FullState());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto state = DecodeState(ByteSpan(whole).first(size));
    ASSERT_FALSE(state) << size;
    EXPECT_EQ(state.error().reason, Reason::damage) << size;
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(DecodeState(longer));
}

TEST(StateFileTest, EveryFlippedBitIsRefused) {
  const Bytes whole = EncodeState(FullState());
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes flipped = whole;
    flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(DecodeState(flipped)) << bit;
  }
}

TEST(StateFileTest, UnknownFieldsUnderARightChecksumAreDamage) {
  Bytes bytes = EncodeState(FullState());
  bytes[7] = std::byte{1};  // A flag that this format does not have.
  const std::size_t digest_offset = bytes.size() - sizeof(Xxh128Digest);
  StoreLittle(MutableByteSpan(bytes), digest_offset,
              Xxh128Of(ByteSpan(bytes).first(digest_offset)));
  const auto state = DecodeState(bytes);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().reason, Reason::damage);
}

TEST(StateFileTest, ANewerFormatIsNamedAsSuch) {
  Bytes bytes = EncodeState(FullState());
  bytes[4] = std::byte{3};
  EXPECT_EQ(DecodeState(bytes).error().reason, Reason::unsupported);
}

TEST(StateFileTest, ANewerFormatIsNamedAsSuchHoweverLongItIs) {
  TempDir dir;
  Bytes bytes = EncodeState(FullState());
  bytes[4] = std::byte{3};
  bytes.resize(10 * bytes.size());
  std::ofstream(dir / "state.bin", std::ios::binary) << AsText(bytes);
  EXPECT_EQ(ReadStateFile(dir / "state.bin").error().reason, Reason::unsupported);
}

TEST(StateFileTest, AHugeForeignFileIsDamage) {
  TempDir dir;
  std::ofstream(dir / "state.bin") << std::string(100'000, 'x');
  EXPECT_EQ(ReadStateFile(dir / "state.bin").error().reason, Reason::damage);
}

/// Without a sync: tests of many files must not wait for the disk.
void Write(const std::string& path, ByteSpan bytes) {
  std::ofstream(path, std::ios::binary) << AsText(bytes);
}

TEST(PositionFileTest, WhatIsWrittenIsRead) {
  TempDir dir;
  const Bytes trainer(1'000, std::byte{9});
  ASSERT_TRUE(SavePosition(dir / "position.bin", {{1, 2, 3, 4}, 5, 6, 17, trainer}));
  const auto read = LoadPosition(dir / "position.bin");
  ASSERT_TRUE(read);
  ASSERT_TRUE(read->has_value());
  EXPECT_EQ((*read)->id, (UpdateId{1, 2, 3, 4}));
  EXPECT_EQ((*read)->base_version, 5U);
  EXPECT_EQ((*read)->client_version, 6U);
  EXPECT_EQ((*read)->batches_done, 17U);
  EXPECT_EQ((*read)->trainer, trainer);
}

TEST(PositionFileTest, ATornOrChangedFileIsMalformed) {
  TempDir dir;
  ASSERT_TRUE(SavePosition(dir / "whole", {{1, 2, 3, 4}, 5, 6, 17, Bytes(100)}));
  const Bytes whole = *ReadFile(dir / "whole", 1'000);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Write(dir / "torn", ByteSpan(whole).first(size));
    EXPECT_FALSE(LoadPosition(dir / "torn")) << size;
    Bytes changed = whole;
    changed[size] ^= std::byte{16};
    Write(dir / "torn", changed);
    EXPECT_FALSE(LoadPosition(dir / "torn")) << size;
  }
}

TEST(PositionFileTest, NoFileIsNoPosition) {
  TempDir dir;
  const auto read = LoadPosition(dir / "position.bin");
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->has_value());
}

class ModelBufferTest : public ::testing::Test {
 protected:
  ModelBufferTest() : layout_(*ParameterLayout::Create({{"w", DType::f32, {32}}})) {}
  Status Store(std::uint64_t offset, std::size_t size, std::uint64_t checksum_error = 0) {
    const Bytes bytes(size, std::byte{3});
    return buffer_.Store(
        {4, offset, static_cast<std::uint32_t>(size), Xxh64Of(bytes) + checksum_error}, bytes);
  }
  ParameterLayout layout_;
  ModelBuffer buffer_;
};

TEST_F(ModelBufferTest, ChunksInOrderMakeTheWhole) {
  ASSERT_TRUE(buffer_.Open(layout_, 4, 128));
  EXPECT_TRUE(Store(0, 100));
  EXPECT_FALSE(buffer_.Finished());
  EXPECT_TRUE(Store(100, 28));
  EXPECT_EQ(buffer_.Finished(), Xxh128Of(Bytes(128, std::byte{3})));
}

TEST_F(ModelBufferTest, WhatWasHandedOutStaysAsItIsAndRoomNobodyHoldsIsUsedAgain) {
  ASSERT_TRUE(buffer_.Open(layout_, 4, 128));
  ASSERT_TRUE(Store(0, 128));
  std::shared_ptr<const ParameterSet> held = buffer_.model();
  const ParameterSet* const first = held.get();
  ASSERT_TRUE(buffer_.Open(layout_, 4, 128));
  EXPECT_FALSE(buffer_.Finished());
  const Bytes other(128, std::byte{9});
  ASSERT_TRUE(buffer_.Store({4, 0, 128, Xxh64Of(other)}, other));
  EXPECT_EQ(held->bytes()[5], std::byte{3});
  EXPECT_EQ(buffer_.model()->bytes()[5], std::byte{9});
  EXPECT_NE(buffer_.model().get(), first);
  held.reset();
  const ParameterSet* const second = buffer_.model().get();
  ASSERT_TRUE(buffer_.Open(layout_, 4, 128));
  ASSERT_TRUE(Store(0, 128));
  EXPECT_EQ(buffer_.model().get(), second);
  EXPECT_EQ(buffer_.Finished(), Xxh128Of(Bytes(128, std::byte{3})));
}

TEST_F(ModelBufferTest, WhatDoesNotFitIsRefused) {
  EXPECT_FALSE(Store(0, 100)) << "not open";
  EXPECT_EQ(buffer_.Open(layout_, 4, 192).error().reason, Reason::size_mismatch);
  ASSERT_TRUE(buffer_.Open(layout_, 4, 128));
  EXPECT_EQ(Store(1, 100).error().reason, Reason::wrong_offset);
  EXPECT_EQ(Store(0, 129).error().reason, Reason::size_mismatch);
  EXPECT_EQ(Store(0, 100, 1).error().reason, Reason::checksum_mismatch);
  EXPECT_TRUE(Store(0, 128));
}

}  // namespace
}  // namespace muster::participant
