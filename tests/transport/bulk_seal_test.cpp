// The seal of bulk frames: what was sealed opens once, in its order and as it was, or not at all.
#include "transport/internal/bulk_seal.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/aes_ctr.h"

namespace muster {
namespace {

SecretBytes SealKey(std::uint8_t byte) {
  return SecretBytes(Bytes(kAesKeyBytes, static_cast<std::byte>(byte)));
}

Bytes BytesOf(std::size_t size, std::uint8_t first) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(first + 3 * i);
  return bytes;
}

struct Sealed {
  Bytes head;
  Bytes payload;
};

Sealed SealOwn(BulkSealer& sealer, ByteSpan head, ByteSpan payload) {
  Sealed sealed{Bytes(head.size() + kSealedHeadExtra),
                Bytes(payload.empty() ? 0 : payload.size() + kSealedPayloadExtra)};
  sealer.Seal(head, payload, sealed.head, sealed.payload);
  return sealed;
}

Sealed SealShared(BulkSealer& sealer, ByteSpan head, ByteSpan payload, SharedSeal& shared) {
  const SharedSeal::Sealed once = shared.Of(payload);
  Sealed sealed{Bytes(head.size() + kSharedHeadExtra),
                Bytes(once.ciphertext.begin(), once.ciphertext.end())};
  sealer.SealShared(head, once, sealed.head);
  return sealed;
}

/// What opens; nothing if it does not. Takes a copy: opening is done in place.
std::optional<Sealed> OpenCopy(BulkOpener& opener, Sealed sealed) {
  const auto opened = opener.Open(sealed.head, sealed.payload);
  if (!opened) return std::nullopt;
  return Sealed{Bytes(opened->head.begin(), opened->head.end()),
                Bytes(opened->payload.begin(), opened->payload.end())};
}

bool OpensAs(SecretBytes key, const Sealed& sealed) {
  BulkOpener opener(std::move(key));
  return OpenCopy(opener, sealed).has_value();
}

/// Either way of sealing a payload.
class BulkSeal : public testing::TestWithParam<bool> {
 protected:
  Sealed Seal(ByteSpan head, ByteSpan payload) {
    return GetParam() ? SealShared(sealer_, head, payload, shared_)
                      : SealOwn(sealer_, head, payload);
  }
  /// Whether a fresh opener, to whom nothing came before, opens it.
  static bool Opens(const Sealed& sealed) { return OpensAs(SealKey(1), sealed); }

  const Bytes head_ = BytesOf(92, 1);
  const Bytes payload_ = BytesOf(1000, 2);
  BulkSealer sealer_{SealKey(1)};
  BulkOpener opener_{SealKey(1)};
  SharedSeal shared_;
};

TEST_P(BulkSeal, WhatWasSealedOpensAsItWas) {
  const Sealed sealed = Seal(head_, payload_);
  EXPECT_EQ(std::ranges::search(sealed.head, ByteSpan(head_).first(16)).size(), 0U);
  EXPECT_EQ(std::ranges::search(sealed.payload, ByteSpan(payload_).first(16)).size(), 0U);
  const auto opened = OpenCopy(opener_, sealed);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->head, head_);
  EXPECT_EQ(opened->payload, payload_);
}

TEST_P(BulkSeal, AnyChangedBitIsRefused) {
  const Sealed sealed = Seal(head_, payload_);
  ASSERT_TRUE(Opens(sealed));
  for (std::size_t bit = 0; bit < 8 * sealed.head.size(); ++bit) {
    Sealed changed = sealed;
    changed.head[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(Opens(changed)) << "bit " << bit << " of the head";
  }
  for (std::size_t bit = 0; bit < 8 * sealed.payload.size(); bit += 13) {
    Sealed changed = sealed;
    changed.payload[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(Opens(changed)) << "bit " << bit << " of the payload";
  }
}

TEST_P(BulkSeal, PartsOfAnySizeButTheirsAreRefused) {
  const Sealed sealed = Seal(head_, payload_);
  for (std::size_t size = 0; size < sealed.head.size(); ++size) {
    Sealed cut = sealed;
    cut.head.resize(size);
    EXPECT_FALSE(Opens(cut)) << size;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{16}, std::size_t{17},
                                 sealed.payload.size() - 1, sealed.payload.size() + 1}) {
    Sealed cut = sealed;
    cut.payload.resize(size);
    EXPECT_FALSE(Opens(cut)) << size;
  }
}

TEST_P(BulkSeal, AnotherFramesPayloadIsRefused) {
  const Sealed first = Seal(head_, payload_);
  Sealed second = Seal(head_, payload_);
  if (GetParam()) {
    // The same shared payload stands behind both; another one does not.
    SharedSeal other;
    second = SealShared(sealer_, head_, payload_, other);
  }
  EXPECT_FALSE(Opens({first.head, second.payload}));
  EXPECT_FALSE(Opens({second.head, first.payload}));
  EXPECT_TRUE(Opens(second));
}

TEST_P(BulkSeal, AFrameOpensOnceAndNeverBehindALaterOne) {
  const Sealed first = Seal(head_, payload_);
  const Sealed second = Seal(head_, payload_);
  const Sealed third = Seal(head_, payload_);
  EXPECT_TRUE(OpenCopy(opener_, second).has_value()) << "one that was never sent leaves a gap";
  EXPECT_FALSE(OpenCopy(opener_, second).has_value());
  EXPECT_FALSE(OpenCopy(opener_, first).has_value());
  EXPECT_TRUE(OpenCopy(opener_, third).has_value());
}

TEST_P(BulkSeal, ARefusedFrameMovesNothing) {
  Sealed far = Seal(head_, payload_);
  StoreLittle(MutableByteSpan(far.head), 0, std::uint64_t{1'000'000});
  EXPECT_FALSE(OpenCopy(opener_, far).has_value());
  EXPECT_TRUE(OpenCopy(opener_, Seal(head_, payload_)).has_value());
}

TEST_P(BulkSeal, AnotherKeyOpensNothing) {
  BulkOpener other(SealKey(2));
  EXPECT_FALSE(OpenCopy(other, Seal(head_, payload_)).has_value());
}

INSTANTIATE_TEST_SUITE_P(Of, BulkSeal, testing::Values(false, true),
                         [](const auto& instance) { return instance.param ? "Shared" : "Own"; });

TEST(BulkSealHead, TravelsWithoutAPayloadAndWithoutBytes) {
  BulkSealer sealer(SealKey(1));
  BulkOpener opener(SealKey(1));
  const auto lone = OpenCopy(opener, SealOwn(sealer, BytesOf(64, 1), {}));
  ASSERT_TRUE(lone.has_value());
  EXPECT_EQ(lone->head, BytesOf(64, 1));
  EXPECT_TRUE(lone->payload.empty());
  const auto empty = OpenCopy(opener, SealOwn(sealer, {}, {}));
  ASSERT_TRUE(empty.has_value());
  EXPECT_TRUE(empty->head.empty());
}

TEST(BulkSealHead, APayloadCannotBeAddedToAFrameWithout) {
  BulkSealer sealer(SealKey(1));
  Sealed sealed = SealOwn(sealer, BytesOf(64, 1), {});
  sealed.payload = BytesOf(100, 9);
  BulkOpener opener(SealKey(1));
  EXPECT_FALSE(OpenCopy(opener, sealed).has_value());
}

TEST(SharedSeals, OneCiphertextServesTwoPeersAndNeitherCanForgeForTheOther) {
  const Bytes payload = BytesOf(5000, 3);
  SharedSeal shared;
  BulkSealer to_ann(SealKey(1));
  BulkSealer to_bob(SealKey(2));
  const Sealed ann = SealShared(to_ann, BytesOf(64, 1), payload, shared);
  const Sealed bob = SealShared(to_bob, BytesOf(64, 1), payload, shared);
  EXPECT_EQ(ann.payload, bob.payload);
  BulkOpener anns(SealKey(1));
  BulkOpener bobs(SealKey(2));
  const auto at_ann = OpenCopy(anns, ann);
  ASSERT_TRUE(at_ann.has_value());
  EXPECT_EQ(at_ann->payload, payload);
  // Ann knows the payload and its key, so she can encipher any other payload under it; Bob's tag is
  // over the ciphertext, under a key that she does not have.
  Sealed forged = bob;
  Aes256CtrOnce(shared.Of(payload).key, BytesOf(5000, 200), forged.payload);
  EXPECT_FALSE(OpenCopy(bobs, forged).has_value());
  // With a frame around it that she sealed as hers is sealed.
  BulkSealer anns_own(SealKey(1));
  forged.head.assign(64 + kSharedHeadExtra, {});
  anns_own.SealShared(BytesOf(64, 1), {shared.Of(payload).key, forged.payload}, forged.head);
  EXPECT_TRUE(OpensAs(SealKey(1), forged)) << "it is what she would open herself";
  EXPECT_FALSE(OpenCopy(bobs, forged).has_value());
  // Nor does a frame of hers open as one of his.
  EXPECT_FALSE(OpenCopy(bobs, ann).has_value());
  const auto at_bob = OpenCopy(bobs, bob);
  ASSERT_TRUE(at_bob.has_value());
  EXPECT_EQ(at_bob->payload, payload);
}

// Computed with another library's AES as docs/protocol.md says.
TEST(SharedSeals, GoldenBytes) {
  const SecretBytes key = SealKey(5);
  Bytes ciphertext(5);
  Aes256CtrOnce(key, BytesOf(5, 2), ciphertext);
  EXPECT_EQ(Hex(ciphertext), "803515b082");
  Bytes head(4 + kSharedHeadExtra);
  BulkSealer sealer(SealKey(0));
  sealer.SealShared(BytesOf(4, 1), {key, ciphertext}, head);
  EXPECT_EQ(
      Hex(head),
      "0100000000000000019f68516025fcaa1579c116e5d0bc80d1e3d1fa0e1c530e522b55023e9935a10a8d4162"
      "979263d62802e8bbe163d5aef50cf209b0696a1a6963403f65feb41d5a5f986a66");
}

TEST(SharedSeals, EveryPayloadHasAKeyOfItsOwn) {
  const Bytes payload = BytesOf(64, 3);
  SharedSeal first;
  SharedSeal second;
  EXPECT_FALSE(ConstantTimeEqual(first.Of(payload).key.Reveal(), second.Of(payload).key.Reveal()));
}

// Computed with another library's AES-256-GCM as docs/protocol.md says.
TEST(BulkSealHead, GoldenBytes) {
  BulkSealer sealer(SealKey(0));
  const Bytes head = BytesOf(4, 1);
  const Bytes payload = BytesOf(3, 2);
  const Sealed sealed = SealOwn(sealer, head, payload);
  EXPECT_EQ(Hex(sealed.head), "01000000000000000023a57b069cddd13a421bd72b859fb262e7d0f801");
  EXPECT_EQ(Hex(sealed.payload), "e736cc709b5973b76c642695dee80e5c818701");
}

}  // namespace
}  // namespace muster
