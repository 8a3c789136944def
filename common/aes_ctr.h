// AES-256 in counter mode, NIST SP 800-38A 6.5, by OpenSSL. It hides and does not protect: whoever
// uses it authenticates the ciphertext as well (transport/internal/bulk_seal.h does).
#pragma once

#include "common/bytes.h"
#include "common/secret.h"

namespace muster {

/// Enciphers, or deciphers, which is the same, with the counter starting at zero.
/// REQUIRES: a key of 32 bytes that enciphers this one text and no other; `to` is as long as `from`
/// and is the same memory or other memory.
void Aes256CtrOnce(const SecretBytes& key, ByteSpan from, MutableByteSpan to);

}  // namespace muster
