// Alone in its program: it watches what is in memory when memory is given back.
#include "common/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace {

const void* watched = nullptr;
std::size_t watched_size = 0;
int freed_wiped = 0;
int freed_legible = 0;

void GiveBack(void* memory) {
  if (memory != nullptr && memory == watched) {
    const auto* bytes = static_cast<const unsigned char*>(memory);
    const bool wiped =
        std::all_of(bytes, bytes + watched_size, [](unsigned char byte) { return byte == 0; });
    (wiped ? freed_wiped : freed_legible)++;
    watched = nullptr;
  }
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { GiveBack(memory); }
void operator delete(void* memory, std::size_t) noexcept { GiveBack(memory); }

namespace muster {
namespace {

constexpr std::string_view kText = "the quick brown secret jumps over the lazy dog";

class SecretTest : public testing::Test {
 protected:
  void SetUp() override { freed_wiped = freed_legible = 0; }
  static void Watch(const SecretBytes& secret) {
    watched = secret.Reveal().data();
    watched_size = secret.size();
  }
  static void ExpectWiped() {
    EXPECT_EQ(freed_wiped, 1);
    EXPECT_EQ(freed_legible, 0);
  }
};

TEST_F(SecretTest, WatcherSeesBytesThatWereNotWiped) {
  {
    const Bytes plain(100, std::byte{7});
    watched = plain.data();
    watched_size = plain.size();
  }
  EXPECT_EQ(freed_legible, 1);
}

TEST_F(SecretTest, DestroyedSecretIsWiped) {
  {
    const SecretBytes secret(AsBytes(kText));
    ASSERT_EQ(AsText(secret.Reveal()), kText);
    Watch(secret);
  }
  ExpectWiped();
}

TEST_F(SecretTest, OverwrittenSecretIsWiped) {
  SecretBytes secret(AsBytes(kText));
  Watch(secret);
  secret = SecretBytes(AsBytes("another"));
  ExpectWiped();
  EXPECT_EQ(AsText(secret.Reveal()), "another");
}

TEST_F(SecretTest, MovedFromSecretIsEmptyAndTheMovedOneWipedOnce) {
  {
    SecretBytes from(AsBytes(kText));
    Watch(from);
    const SecretBytes to(std::move(from));
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): the contract
    EXPECT_EQ(from.size(), 0U);
    EXPECT_EQ(AsText(to.Reveal()), kText);
    EXPECT_EQ(freed_wiped + freed_legible, 0);
  }
  ExpectWiped();
}

TEST_F(SecretTest, MoveAssignedFromSecretIsEmpty) {
  SecretBytes from(AsBytes(kText));
  SecretBytes to;
  to = std::move(from);
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): the contract
  EXPECT_EQ(AsText(to.Reveal()), kText);
}

TEST_F(SecretTest, SelfMoveKeepsTheSecret) {
  SecretBytes secret(AsBytes(kText));
  SecretBytes& same = secret;
  secret = std::move(same);
  EXPECT_EQ(AsText(secret.Reveal()), kText);
}

TEST_F(SecretTest, WipeBytesLeavesZeros) {
  Bytes bytes(33, std::byte{0xAA});
  WipeBytes(MutableByteSpan(bytes).first(32));
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), std::byte{0}), 32);
  EXPECT_EQ(bytes[32], std::byte{0xAA});
  WipeBytes({});
}

TEST_F(SecretTest, ConstantTimeEqualIsEquality) {
  EXPECT_TRUE(ConstantTimeEqual(AsBytes("abc"), AsBytes("abc")));
  EXPECT_FALSE(ConstantTimeEqual(AsBytes("abc"), AsBytes("abd")));
  EXPECT_FALSE(ConstantTimeEqual(AsBytes("abc"), AsBytes("ab")));
  EXPECT_FALSE(ConstantTimeEqual(AsBytes("abc"), AsBytes("bbc")));
  EXPECT_TRUE(ConstantTimeEqual({}, {}));
}

}  // namespace
}  // namespace muster
