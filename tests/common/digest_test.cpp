#include "common/digest.h"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

std::string Sha256Hex(std::string_view text) { return Hex(Sha256Of(AsBytes(text))); }

// FIPS 180-4 examples, as NIST publishes them.
TEST(Sha256Test, VectorsOfNist) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PiecesChangeNothingAndFinishStartsAnew) {
  Sha256 hash;
  for (char c : std::string("abc")) hash.Update(AsBytes(std::string_view(&c, 1)));
  hash.Update({});
  EXPECT_EQ(hash.Finish(), Sha256Of(AsBytes("abc")));
  EXPECT_EQ(hash.Finish(), Sha256Of({}));
}

// Byte i is (131 i + 7) mod 256.
Bytes Sanity(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 131 + 7);
  return bytes;
}

struct KnownXxh {
  std::size_t size;
  std::uint64_t xxh64;
  const char* xxh128;
};

// Of XXH3 by another binding of the reference implementation; one a length class of the algorithm.
constexpr KnownXxh kKnown[] = {
    {0, 0x2d06800538d394c2, "99aa06d3014798d86001c324468d497f"},
    {16, 0x86abf6baccea0858, "7f9a218b0425449ae2ce54a7c19c730d"},
    {17, 0xb58bf5dc5022d071, "66fc23f6439dbd778d96ef110fcdebb4"},
    {128, 0x10d17f72c0ccba41, "aec730751478556cff361dec1385710a"},
    {129, 0x1648bdc3db49d1a2, "98cd36ccbb5579264545b3a09738e31a"},
    {240, 0xb6cfaf343fab81e6, "5293e17bf553903d3f2c53e72293711f"},
    {241, 0x956cae592c67279e, "b53840fe3fedf161956cae592c67279e"},
    {1000, 0x571d5cbfef44331b, "622239c5c47a6910571d5cbfef44331b"},
};

TEST(Xxh3Test, KnownAnswersOfEveryLengthClass) {
  for (const KnownXxh& known : kKnown) {
    const Bytes bytes = Sanity(known.size);
    EXPECT_EQ(Xxh64Of(bytes), known.xxh64) << known.size;
    EXPECT_EQ(Hex(Xxh128Of(bytes)), known.xxh128) << known.size;
  }
}

TEST(Xxh3Test, KnownAnswerOfAText) {
  EXPECT_EQ(Xxh64Of(AsBytes("abc")), 0x78af5f94892f3950U);
  EXPECT_EQ(Hex(Xxh128Of(AsBytes("abc"))), "06b05ab6733a618578af5f94892f3950");
}

TEST(Xxh3Test, StreamAgreesWithTheWholeAtEveryPrefix) {
  const Bytes bytes = Sanity(700);
  Xxh128 hash;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_EQ(hash.Digest(), Xxh128Of(ByteSpan(bytes).first(i)));
    hash.Update(ByteSpan(bytes).subspan(i, 1));
  }
  EXPECT_EQ(hash.Digest(), Xxh128Of(bytes));
}

}  // namespace
}  // namespace muster
