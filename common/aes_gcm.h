// AES-256-GCM, NIST SP 800-38D, by OpenSSL: nonces of 96 bits, tags of 128.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/bytes.h"
#include "common/secret.h"

namespace muster {

inline constexpr std::size_t kAesKeyBytes = 32;
inline constexpr std::size_t kGcmNonceBytes = 12;
inline constexpr std::size_t kGcmTagBytes = 16;
using GcmNonce = std::array<std::byte, kGcmNonceBytes>;
using GcmTag = std::array<std::byte, kGcmTagBytes>;

/// With random nonces a key may seal so many messages (SP 800-38D, 8.3): then two that share a
/// nonce, which would give the key away, are less likely than 2^-32.
inline constexpr std::uint64_t kGcmMessagesMax = 1ULL << 32;

/// From the system's generator: for one message alone.
GcmNonce RandomNonce();

/// One key. Thread-safe.
class Aes256Gcm {
 public:
  /// REQUIRES: kAesKeyBytes.
  explicit Aes256Gcm(SecretBytes key);

  /// Fills `ciphertext` and the tag over it and `associated`. REQUIRES: the nonce was never used
  /// with this key; `ciphertext` is as long as `plaintext` and is the same memory or other memory.
  GcmTag Seal(const GcmNonce& nonce, ByteSpan associated, ByteSpan plaintext,
              MutableByteSpan ciphertext) const;
  /// Fills `plaintext` if the tag is that of all the rest; otherwise answers false and leaves
  /// zeros. REQUIRES: as of Seal.
  [[nodiscard]] bool Open(const GcmNonce& nonce, ByteSpan associated, ByteSpan ciphertext,
                          const GcmTag& tag, MutableByteSpan plaintext) const;

  const SecretBytes& key() const { return key_; }

 private:
  SecretBytes key_;
};

}  // namespace muster
