#include "common/aes_ctr.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

#include "common/error.h"

namespace muster {
namespace {

constexpr std::size_t kKeyBytes = 32;
/// What one call of OpenSSL's gets: its sizes are int.
constexpr std::size_t kCallBytesMax = std::size_t{1} << 30;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }  // Wipes it.
};

const EVP_CIPHER* Cipher() {
  // Looked up once: each look-up takes a lock of the library's.
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr);
  MUSTER_CHECK(cipher != nullptr, "OpenSSL has no AES-256-CTR");
  return cipher;
}

}  // namespace

void Aes256CtrOnce(const SecretBytes& key, ByteSpan from, MutableByteSpan to) {
  MUSTER_CHECK(key.size() == kKeyBytes, "a key of another size");
  MUSTER_CHECK(from.size() == to.size(), "a stream cipher keeps the size");
  const std::array<unsigned char, 16> counter{};
  const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
  const auto* raw_key = reinterpret_cast<const unsigned char*>(key.Reveal().data());
  MUSTER_CHECK(context != nullptr && EVP_CipherInit_ex2(context.get(), Cipher(), raw_key,
                                                        counter.data(), 1, nullptr) == 1,
               "OpenSSL does not begin AES-256-CTR");
  while (!from.empty()) {
    const std::size_t size = std::min(from.size(), kCallBytesMax);
    int done = 0;
    const int status = EVP_CipherUpdate(context.get(), reinterpret_cast<unsigned char*>(to.data()),
                                        &done, reinterpret_cast<const unsigned char*>(from.data()),
                                        static_cast<int>(size));
    MUSTER_CHECK(status == 1 && done == static_cast<int>(size), "OpenSSL does not encipher");
    from = from.subspan(size);
    to = to.subspan(size);
  }
}

}  // namespace muster
