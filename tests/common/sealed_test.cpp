#include "common/sealed.h"

#include <gtest/gtest.h>

#include <string>

#include "common/digest.h"

namespace muster {
namespace {

constexpr std::string_view kMagic = "TEST";
constexpr std::uint16_t kFormat = 3;

Bytes Sample() {
  SealedWriter writer(kMagic, kFormat);
  writer.Put(std::uint32_t{0x01020304});
  writer.PutBytes(AsBytes("body"));
  return writer.Seal();
}

Reason ReasonOf(ByteSpan bytes) {
  const auto reader = SealedReader::Open(bytes, kMagic, kFormat);
  return reader ? Reason::finished : reader.error().reason;
}

Bytes Resealed(Bytes bytes) {
  const std::size_t digest_offset = bytes.size() - sizeof(Xxh128Digest);
  StoreLittle(bytes, digest_offset, Xxh128Of(ByteSpan(bytes).first(digest_offset)));
  return bytes;
}

TEST(SealedTest, EveryTruncationIsRefused) {
  const Bytes whole = Sample();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(ReasonOf(ByteSpan(whole).first(size)), Reason::file_malformed) << size;
  }
}

TEST(SealedTest, EveryFlippedBitIsRefused) {
  const Bytes whole = Sample();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes flipped = whole;
    flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_NE(ReasonOf(flipped), Reason::finished) << bit;
  }
}

TEST(SealedTest, AnAppendedByteIsRefused) {
  Bytes bytes = Sample();
  bytes.push_back(std::byte{0});
  EXPECT_EQ(ReasonOf(bytes), Reason::file_malformed);
}

TEST(SealedTest, ANewerFormatIsNamedWhateverFollows) {
  Bytes bytes = Sample();
  bytes[4] = std::byte{4};
  EXPECT_EQ(ReasonOf(bytes), Reason::unsupported);
  EXPECT_EQ(ReasonOf(ByteSpan(bytes).first(6)), Reason::unsupported);
}

TEST(SealedTest, AnOlderFormatIsMalformedUnderARightDigest) {
  Bytes bytes = Sample();
  bytes[4] = std::byte{2};
  EXPECT_EQ(ReasonOf(Resealed(bytes)), Reason::file_malformed);
}

TEST(SealedTest, FieldsComeBackInOrder) {
  const Bytes bytes = Sample();
  auto reader = SealedReader::Open(bytes, kMagic, kFormat);
  ASSERT_TRUE(reader) << reader.error().Text();
  EXPECT_EQ(reader->Take<std::uint32_t>(), 0x01020304U);
  EXPECT_EQ(AsText(reader->TakeBytes(4)), "body");
  EXPECT_TRUE(reader->Finish());
}

TEST(SealedTest, ReadingBeyondTheFieldsGivesZerosAndAnError) {
  const Bytes bytes = Sample();
  auto reader = SealedReader::Open(bytes, kMagic, kFormat);
  ASSERT_TRUE(reader);
  EXPECT_TRUE(reader->TakeBytes(~0ULL).empty());
  EXPECT_EQ(reader->Take<std::uint32_t>(), 0U);
  EXPECT_EQ(reader->Finish().error().reason, Reason::file_malformed);
}

TEST(SealedTest, FieldsThatNobodyTookAreAnError) {
  const Bytes bytes = Sample();
  auto reader = SealedReader::Open(bytes, kMagic, kFormat);
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->Take<std::uint32_t>(), 0x01020304U);
  EXPECT_EQ(reader->Finish().error().reason, Reason::file_malformed);
}

TEST(SealedTest, BytesAreMagicFormatFieldsAndDigest) {
  const Bytes bytes = Sample();
  ASSERT_EQ(bytes.size(), 4U + 2 + 4 + 4 + 16);
  EXPECT_EQ(AsText(ByteSpan(bytes).first(4)), kMagic);
  EXPECT_EQ(Hex(ByteSpan(bytes).subspan(4, 10)), "030004030201626f6479");
  EXPECT_EQ(LoadLittle<Xxh128Digest>(bytes, 14), Xxh128Of(ByteSpan(bytes).first(14)));
}

}  // namespace
}  // namespace muster
