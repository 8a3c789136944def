// Bytes that go to many peers, enciphered once for all of them.
#pragma once

#include "common/bytes.h"
#include "common/secret.h"

namespace muster {

/// The ciphertext (AES-256-CTR, common/aes_ctr.h) of one payload under a key of its own. Each peer
/// gets the key, and a tag over the ciphertext, sealed for its connection alone: peers who know the
/// key cannot change what another one gets. Not thread-safe: one thread sends such a payload.
class SharedSeal {
 public:
  /// Views, as long as the seal lives.
  struct Sealed {
    const SecretBytes& key;
    ByteSpan ciphertext;
  };
  /// Made at the first call. REQUIRES: the same bytes at every call.
  Sealed Of(ByteSpan plain);

 private:
  SecretBytes key_;
  Bytes ciphertext_;
};

}  // namespace muster
