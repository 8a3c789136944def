#include "transport/internal/bulk_seal.h"

#include <algorithm>
#include <array>

#include "common/aes_ctr.h"
#include "common/error.h"

namespace muster {
namespace {

constexpr std::size_t kKindAt = sizeof(std::uint64_t);
constexpr std::size_t kTagAt = kKindAt + 1;
static_assert(kTagAt + kGcmTagBytes == kSealedHeadExtra);

/// How a frame's payload, if it has one, is sealed.
enum class Kind : std::uint8_t { own = 0, shared = 1 };
/// What of a frame a tag is over.
enum class Part : std::uint8_t { head = 0, payload = 1, shared_payload = 2 };

/// Unlike for every part of every frame of a key: SP 800-38D, 8.2.1, a fixed field and a counter.
GcmNonce NonceOf(Part part, std::uint64_t number) {
  GcmNonce nonce{};
  nonce[0] = static_cast<std::byte>(part);
  StoreLittle(nonce, kGcmNonceBytes - sizeof(number), number);
  return nonce;
}

/// The head's tag stands for the whole frame: nobody can leave its payload out or add one.
using Associated = std::array<std::byte, 1 + 2 * sizeof(std::uint64_t)>;
Associated AssociatedOf(Kind kind, std::size_t head_bytes, std::size_t payload_bytes) {
  Associated associated{};
  associated[0] = static_cast<std::byte>(kind);
  StoreLittle(associated, 1, std::uint64_t{head_bytes});
  StoreLittle(associated, 1 + sizeof(std::uint64_t), std::uint64_t{payload_bytes});
  return associated;
}

void WriteStart(MutableByteSpan sealed_head, std::uint64_t number, Kind kind, const GcmTag& tag) {
  StoreLittle(sealed_head, 0, number);
  sealed_head[kKindAt] = static_cast<std::byte>(kind);
  std::ranges::copy(tag, sealed_head.begin() + kTagAt);
}

GcmTag TagIn(ByteSpan bytes) { return LoadLittle<GcmTag>(bytes, 0); }

}  // namespace

void BulkSealer::Seal(ByteSpan head, ByteSpan payload, MutableByteSpan sealed_head,
                      MutableByteSpan sealed_payload) {
  MUSTER_CHECK(sealed_head.size() == head.size() + kSealedHeadExtra, "a sealed head's size");
  const std::size_t extra = payload.empty() ? 0 : kSealedPayloadExtra;
  MUSTER_CHECK(sealed_payload.size() == payload.size() + extra, "a sealed payload's size");
  const std::uint64_t number = ++number_;
  const GcmTag tag = cipher_.Seal(NonceOf(Part::head, number),
                                  AssociatedOf(Kind::own, head.size(), sealed_payload.size()), head,
                                  sealed_head.subspan(kSealedHeadExtra));
  WriteStart(sealed_head, number, Kind::own, tag);
  if (payload.empty()) return;
  const GcmTag payload_tag = cipher_.Seal(NonceOf(Part::payload, number), {}, payload,
                                          sealed_payload.first(payload.size()));
  std::ranges::copy(payload_tag, sealed_payload.last(kGcmTagBytes).begin());
}

void BulkSealer::SealShared(ByteSpan head, const SharedSeal::Sealed& shared,
                            MutableByteSpan sealed_head) {
  MUSTER_CHECK(sealed_head.size() == head.size() + kSharedHeadExtra, "a sealed head's size");
  MUSTER_CHECK(!shared.ciphertext.empty(), "a shared payload has bytes");
  const std::uint64_t number = ++number_;
  const GcmTag payload_tag =
      cipher_.Seal(NonceOf(Part::shared_payload, number), shared.ciphertext, {}, {});
  const MutableByteSpan text = sealed_head.subspan(kSealedHeadExtra);
  std::ranges::copy(shared.key.Reveal(), text.begin());
  std::ranges::copy(payload_tag, text.begin() + kAesKeyBytes);
  std::ranges::copy(head, text.begin() + kAesKeyBytes + kGcmTagBytes);
  const GcmTag tag =
      cipher_.Seal(NonceOf(Part::head, number),
                   AssociatedOf(Kind::shared, text.size(), shared.ciphertext.size()), text, text);
  WriteStart(sealed_head, number, Kind::shared, tag);
}

std::optional<BulkOpener::Opened> BulkOpener::Open(MutableByteSpan sealed_head,
                                                   MutableByteSpan sealed_payload) {
  if (sealed_head.size() < kSealedHeadExtra) return std::nullopt;
  const auto number = LoadLittle<std::uint64_t>(sealed_head, 0);
  if (number <= number_) return std::nullopt;
  const auto kind = static_cast<Kind>(sealed_head[kKindAt]);
  if (kind != Kind::own && kind != Kind::shared) return std::nullopt;
  const MutableByteSpan head = sealed_head.subspan(kSealedHeadExtra);
  if (!cipher_.Open(NonceOf(Part::head, number),
                    AssociatedOf(kind, head.size(), sealed_payload.size()), head,
                    TagIn(sealed_head.subspan(kTagAt)), head)) {
    return std::nullopt;
  }
  const auto opened = kind == Kind::own ? OpenOwn(number, head, sealed_payload)
                                        : OpenShared(number, head, sealed_payload);
  if (opened) number_ = number;
  return opened;
}

std::optional<BulkOpener::Opened> BulkOpener::OpenOwn(std::uint64_t number, MutableByteSpan head,
                                                      MutableByteSpan sealed_payload) const {
  if (sealed_payload.empty()) return Opened{head, {}};
  if (sealed_payload.size() <= kSealedPayloadExtra) return std::nullopt;
  const MutableByteSpan payload = sealed_payload.first(sealed_payload.size() - kSealedPayloadExtra);
  if (!cipher_.Open(NonceOf(Part::payload, number), {}, payload,
                    TagIn(sealed_payload.last(kGcmTagBytes)), payload)) {
    return std::nullopt;
  }
  return Opened{head, payload};
}

std::optional<BulkOpener::Opened> BulkOpener::OpenShared(std::uint64_t number, MutableByteSpan text,
                                                         MutableByteSpan ciphertext) const {
  constexpr std::size_t kHeadAt = kAesKeyBytes + kGcmTagBytes;
  if (text.size() < kHeadAt || ciphertext.empty()) return std::nullopt;
  const GcmTag tag = TagIn(text.subspan(kAesKeyBytes));
  if (!cipher_.Open(NonceOf(Part::shared_payload, number), ciphertext, {}, tag, {})) {
    return std::nullopt;
  }
  const SecretBytes key(text.first(kAesKeyBytes));
  WipeBytes(text.first(kAesKeyBytes));
  Aes256CtrOnce(key, ciphertext, ciphertext);
  return Opened{text.subspan(kHeadAt), ciphertext};
}

}  // namespace muster
