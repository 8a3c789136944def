#include "common/aes_gcm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

namespace muster {
namespace {

Bytes FromHex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

template <typename Array>
Array ArrayOf(std::string_view hex) {
  const Bytes bytes = FromHex(hex);
  Array array{};
  EXPECT_EQ(bytes.size(), array.size());
  std::ranges::copy(bytes, array.begin());
  return array;
}

struct Vector {
  std::string_view name, key, nonce, associated, plaintext, ciphertext, tag;
};

// Cases 13 to 16 of McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", and the first
// of three groups of NIST's CAVP file gcmEncryptExtIV256.rsp.
constexpr Vector kVectors[] = {
    {"13", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"14", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {"15", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"16", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {"PTlen 0, AADlen 0", "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
     "516c33929df5a3284ff463d7", "", "", "", "bdc1ac884d332457a1d2664f168c76f0"},
    {"PTlen 128, AADlen 0", "31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22",
     "0d18e06c7c725ac9e362e1ce", "", "2db5168e932556f8089a0622981d017d",
     "fa4362189661d163fcd6a56d8bf0405a", "d636ac1bbedd5cc3ee727dc2ab4a9489"},
    {"PTlen 128, AADlen 128", "92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b",
     "ac93a1a6145299bde902f21a", "1e0889016f67601c8ebea4943bc23ad6",
     "2d71bcfa914e4ac045b2aa60955fad24", "8995ae2e6df3dbf96fac7b7137bae67f",
     "eca5aa77d51d4a0a14d9c51e1da474ab"},
};

Aes256Gcm CipherOf(std::string_view key) { return Aes256Gcm(SecretBytes(FromHex(key))); }

TEST(AesGcmTest, KnownAnswers) {
  for (const Vector& vector : kVectors) {
    SCOPED_TRACE(vector.name);
    const Aes256Gcm cipher = CipherOf(vector.key);
    const auto nonce = ArrayOf<GcmNonce>(vector.nonce);
    const Bytes associated = FromHex(vector.associated);
    Bytes text = FromHex(vector.plaintext);
    const GcmTag tag = cipher.Seal(nonce, associated, text, text);
    EXPECT_EQ(Hex(text), vector.ciphertext);
    EXPECT_EQ(Hex(tag), vector.tag);
    Bytes opened(text.size());
    EXPECT_TRUE(cipher.Open(nonce, associated, text, tag, opened));
    EXPECT_EQ(Hex(opened), vector.plaintext);
    EXPECT_TRUE(cipher.Open(nonce, associated, text, tag, text)) << "in place";
    EXPECT_EQ(Hex(text), vector.plaintext);
  }
}

TEST(AesGcmTest, AnyFlippedBitIsSeenAndNothingIsGivenOut) {
  const Vector& vector = kVectors[3];
  const Aes256Gcm cipher = CipherOf(vector.key);
  const auto opens = [&](const GcmNonce& nonce, const Bytes& associated, const Bytes& text,
                         const GcmTag& tag) {
    Bytes out(text.size(), std::byte{0xaa});
    const bool opened = cipher.Open(nonce, associated, text, tag, out);
    EXPECT_EQ(opened, Hex(out) == vector.plaintext);
    if (!opened) {
      EXPECT_EQ(out, Bytes(text.size()));
    }
    return opened;
  };
  auto nonce = ArrayOf<GcmNonce>(vector.nonce);
  Bytes associated = FromHex(vector.associated);
  Bytes text = FromHex(vector.ciphertext);
  auto tag = ArrayOf<GcmTag>(vector.tag);
  ASSERT_TRUE(opens(nonce, associated, text, tag));
  for (const MutableByteSpan part : {MutableByteSpan(nonce), MutableByteSpan(associated),
                                     MutableByteSpan(text), MutableByteSpan(tag)}) {
    for (std::size_t bit = 0; bit < 8 * part.size(); ++bit) {
      part[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
      EXPECT_FALSE(opens(nonce, associated, text, tag)) << "bit " << bit;
      part[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    }
  }
  const Aes256Gcm other = CipherOf(kVectors[4].key);
  Bytes out(text.size());
  EXPECT_FALSE(other.Open(nonce, associated, text, tag, out));
}

TEST(AesGcmTest, NoncesDiffer) {
  std::set<GcmNonce> nonces;
  for (int i = 0; i < 1000; ++i) nonces.insert(RandomNonce());
  EXPECT_EQ(nonces.size(), 1000U);
}

}  // namespace
}  // namespace muster
