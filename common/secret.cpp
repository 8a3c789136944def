#include "common/secret.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <utility>

#include "common/error.h"

namespace muster {

SecretBytes::SecretBytes(ByteSpan bytes) : bytes_(bytes.begin(), bytes.end()) {}

SecretBytes::~SecretBytes() { Wipe(); }

SecretBytes::SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) {
  other.bytes_.clear();
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    Wipe();
    bytes_ = std::move(other.bytes_);
    other.bytes_.clear();
  }
  return *this;
}

void SecretBytes::Wipe() {
  WipeBytes(bytes_);
  bytes_.clear();
}

SecretBytes RandomSecret(std::size_t size) {
  Bytes bytes(size);
  MUSTER_CHECK(
      RAND_priv_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size)) == 1,
      "the system has no random numbers");
  SecretBytes secret{ByteSpan(bytes)};
  WipeBytes(bytes);
  return secret;
}

bool ConstantTimeEqual(ByteSpan a, ByteSpan b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void WipeBytes(MutableByteSpan bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

}  // namespace muster
