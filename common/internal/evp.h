// What the ciphers by OpenSSL share. Only the sources of common/ include this.
#pragma once

#include <openssl/evp.h>

#include <climits>
#include <memory>

#include "common/bytes.h"
#include "common/error.h"

namespace muster {

struct FreeCipherContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }  // Wipes it.
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipherContext>;

inline const unsigned char* Raw(ByteSpan bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* RawMutable(MutableByteSpan bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
inline int CipherSizeOf(ByteSpan bytes) {
  MUSTER_CHECK(bytes.size() <= INT_MAX, "one message of a cipher is longer than OpenSSL takes");
  return static_cast<int>(bytes.size());
}

/// Passes `from` through the cipher. REQUIRES: as many bytes in `to`.
inline void Transform(EVP_CIPHER_CTX* context, ByteSpan from, MutableByteSpan to) {
  MUSTER_CHECK(from.size() == to.size(), "the cipher keeps the size");
  if (from.empty()) return;
  int done = 0;
  const int status =
      EVP_CipherUpdate(context, RawMutable(to), &done, Raw(from), CipherSizeOf(from));
  MUSTER_CHECK(status == 1 && done == CipherSizeOf(from), "OpenSSL does not transform a message");
}

}  // namespace muster
