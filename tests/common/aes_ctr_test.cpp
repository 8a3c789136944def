#include "common/aes_ctr.h"

#include <gtest/gtest.h>

#include "common/aes_gcm.h"

namespace muster {
namespace {

SecretBytes ZeroKey() { return SecretBytes(Bytes(kAesKeyBytes)); }

// The key stream of a zero key: the cipher of counters 0, 1 and 2. The first is the AESAVS known
// answer of zeros, the others are the tag of test case 13 and the text of test case 14 of "The
// Galois/Counter Mode of Operation (GCM)", which encipher the same two counters.
TEST(AesCtr, KnownAnswers) {
  Bytes text(40);
  Aes256CtrOnce(ZeroKey(), text, text);
  EXPECT_EQ(Hex(text),
            "dc95c078a2408989ad48a21492842087"
            "530f8afbc74536b9a963b4f1c4cb738b"
            "cea7403d4d606b6e");
}

TEST(AesCtr, TheSameAgainGivesTheTextBack) {
  Bytes text(70'001);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::byte>(i * 7);
  const SecretBytes key = RandomSecret(kAesKeyBytes);
  Bytes hidden(text.size());
  Aes256CtrOnce(key, text, hidden);
  EXPECT_NE(hidden, text);
  Aes256CtrOnce(key, hidden, hidden);
  EXPECT_EQ(hidden, text);
}

TEST(AesCtr, NothingStaysNothing) {
  Bytes none;
  Aes256CtrOnce(ZeroKey(), none, none);
  EXPECT_TRUE(none.empty());
}

TEST(AesCtrDeathTest, AKeyOfAnotherSizeIsOurBug) {
  Bytes text(1);
  EXPECT_DEATH(Aes256CtrOnce(SecretBytes(Bytes(16)), text, text), "a key of another size");
}

}  // namespace
}  // namespace muster
