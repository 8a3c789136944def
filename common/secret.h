// Secrets that wipe themselves and cannot be printed, copied or compared by accident.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "common/bytes.h"

namespace muster {

/// Owns secret bytes; wiped with OPENSSL_cleanse before the memory is given back. Move only.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(ByteSpan bytes);
  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  /// The bytes themselves, for the one call that needs them.
  ByteSpan Reveal() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

 private:
  void Wipe();
  Bytes bytes_;
};

/// From the system's generator for secrets.
SecretBytes RandomSecret(std::size_t size);

/// Equality in time that depends on the sizes alone.
bool ConstantTimeEqual(ByteSpan a, ByteSpan b);

/// Wipes a buffer that is about to be given back.
void WipeBytes(MutableByteSpan bytes);

}  // namespace muster
