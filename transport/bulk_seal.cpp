#include "transport/internal/bulk_seal.h"

#include <algorithm>
#include <array>

#include "common/error.h"

namespace muster {
namespace {

enum class Part : std::uint8_t { head = 0, payload = 1 };

/// Unlike for every part of every frame of a key: SP 800-38D, 8.2.1, a fixed field and a counter.
GcmNonce NonceOf(Part part, std::uint64_t number) {
  GcmNonce nonce{};
  nonce[0] = static_cast<std::byte>(part);
  StoreLittle(nonce, kGcmNonceBytes - sizeof(number), number);
  return nonce;
}

/// Both tags stand for the whole frame: nobody can leave its payload out or put another in.
using Associated = std::array<std::byte, 2 * sizeof(std::uint64_t)>;
Associated AssociatedOf(std::size_t head_bytes, std::size_t payload_bytes) {
  Associated associated{};
  StoreLittle(associated, 0, std::uint64_t{head_bytes});
  StoreLittle(associated, sizeof(std::uint64_t), std::uint64_t{payload_bytes});
  return associated;
}

}  // namespace

void BulkSealer::Seal(ByteSpan head, ByteSpan payload, MutableByteSpan sealed_head,
                      MutableByteSpan sealed_payload) {
  MUSTER_CHECK(sealed_head.size() == head.size() + kSealedHeadExtra, "a sealed head's size");
  const std::size_t extra = payload.empty() ? 0 : kSealedPayloadExtra;
  MUSTER_CHECK(sealed_payload.size() == payload.size() + extra, "a sealed payload's size");
  const std::uint64_t number = ++number_;
  const Associated associated = AssociatedOf(head.size(), payload.size());
  StoreLittle(sealed_head, 0, number);
  const GcmTag tag = cipher_.Seal(NonceOf(Part::head, number), associated, head,
                                  sealed_head.subspan(kSealedHeadExtra));
  std::ranges::copy(tag, sealed_head.begin() + sizeof(number));
  if (payload.empty()) return;
  const GcmTag payload_tag = cipher_.Seal(NonceOf(Part::payload, number), associated, payload,
                                          sealed_payload.first(payload.size()));
  std::ranges::copy(payload_tag, sealed_payload.last(kGcmTagBytes).begin());
}

std::optional<BulkOpener::Opened> BulkOpener::Open(MutableByteSpan sealed_head,
                                                   MutableByteSpan sealed_payload) {
  if (sealed_head.size() < kSealedHeadExtra) return std::nullopt;
  if (!sealed_payload.empty() && sealed_payload.size() <= kSealedPayloadExtra) return std::nullopt;
  const auto number = LoadLittle<std::uint64_t>(sealed_head, 0);
  if (number <= number_) return std::nullopt;
  const MutableByteSpan head = sealed_head.subspan(kSealedHeadExtra);
  const MutableByteSpan payload =
      sealed_payload.empty() ? sealed_payload
                             : sealed_payload.first(sealed_payload.size() - kSealedPayloadExtra);
  const Associated associated = AssociatedOf(head.size(), payload.size());
  const auto tag = LoadLittle<GcmTag>(sealed_head, sizeof(number));
  if (!cipher_.Open(NonceOf(Part::head, number), associated, head, tag, head)) return std::nullopt;
  if (!payload.empty()) {
    const auto payload_tag = LoadLittle<GcmTag>(sealed_payload, payload.size());
    if (!cipher_.Open(NonceOf(Part::payload, number), associated, payload, payload_tag, payload)) {
      return std::nullopt;
    }
  }
  number_ = number;
  return Opened{head, payload};
}

}  // namespace muster
