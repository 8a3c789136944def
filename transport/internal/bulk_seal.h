// The seal of bulk frames: AES-256-GCM (common/aes_gcm.h) under keys that a ticket (bulk_ticket.h)
// brought over the CURVE control connection. docs/protocol.md, "The bulk connection", has the
// bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "common/aes_gcm.h"
#include "common/bytes.h"
#include "common/secret.h"
#include "transport/shared_seal.h"

namespace muster {

/// By how much a part grows. A sealed head: its number, its kind, its tag and the ciphertext;
/// before a shared payload the head's plain text begins with that one's key and tag. A sealed
/// payload: the ciphertext and its tag.
inline constexpr std::size_t kSealedHeadExtra = sizeof(std::uint64_t) + 1 + kGcmTagBytes;
inline constexpr std::size_t kSharedHeadExtra = kSealedHeadExtra + kAesKeyBytes + kGcmTagBytes;
inline constexpr std::size_t kSealedPayloadExtra = kGcmTagBytes;

/// Seals the frames of one direction of one connection. A frame's number is never used twice,
/// whether or not the frame was sent. Not thread-safe.
class BulkSealer {
 public:
  /// REQUIRES: a key of kAesKeyBytes that nobody else seals with.
  explicit BulkSealer(SecretBytes key) : cipher_(std::move(key)) {}

  /// An empty payload is none: `sealed_payload` is empty as well then.
  /// REQUIRES: otherwise the sizes of the plain parts and what they grow by; other memory.
  void Seal(ByteSpan head, ByteSpan payload, MutableByteSpan sealed_head,
            MutableByteSpan sealed_payload);
  /// The payload part is `shared`'s ciphertext. REQUIRES: one that is not empty; sealed_head is
  /// larger than head by kSharedHeadExtra.
  void SealShared(ByteSpan head, const SharedSeal::Sealed& shared, MutableByteSpan sealed_head);

 private:
  Aes256Gcm cipher_;
  std::uint64_t number_ = 0;  ///< Of the frame before.
};

/// Opens what the BulkSealer of the same key sealed. Not thread-safe.
class BulkOpener {
 public:
  explicit BulkOpener(SecretBytes key) : cipher_(std::move(key)) {}

  struct Opened {
    ByteSpan head;
    ByteSpan payload;
  };
  /// The plain parts, in the memory of the sealed ones. Nothing if either is not what was sealed,
  /// they do not belong together, or a frame with this number or a later one was opened before:
  /// what the parts hold then is of no use, and neither is the connection.
  [[nodiscard]] std::optional<Opened> Open(MutableByteSpan sealed_head,
                                           MutableByteSpan sealed_payload);

 private:
  std::optional<Opened> OpenOwn(std::uint64_t number, MutableByteSpan head,
                                MutableByteSpan sealed_payload) const;
  std::optional<Opened> OpenShared(std::uint64_t number, MutableByteSpan text,
                                   MutableByteSpan ciphertext) const;

  Aes256Gcm cipher_;
  std::uint64_t number_ = 0;  ///< Of the newest frame opened.
};

}  // namespace muster
