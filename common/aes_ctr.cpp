#include "common/aes_ctr.h"

#include <array>

#include "common/aes_gcm.h"
#include "common/error.h"
#include "common/internal/evp.h"

namespace muster {
namespace {

const EVP_CIPHER* Cipher() {
  // Looked up once: each look-up takes a lock of the library's.
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr);
  MUSTER_CHECK(cipher != nullptr, "OpenSSL has no AES-256-CTR");
  return cipher;
}

}  // namespace

void Aes256CtrOnce(const SecretBytes& key, ByteSpan from, MutableByteSpan to) {
  MUSTER_CHECK(key.size() == kAesKeyBytes, "a key of another size");
  const std::array<std::byte, 16> counter{};
  const CipherContext context(EVP_CIPHER_CTX_new());
  MUSTER_CHECK(context != nullptr && EVP_CipherInit_ex2(context.get(), Cipher(), Raw(key.Reveal()),
                                                        Raw(counter), 1, nullptr) == 1,
               "OpenSSL does not begin AES-256-CTR");
  Transform(context.get(), from, to);
}

}  // namespace muster
