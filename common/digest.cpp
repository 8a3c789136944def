#include "common/digest.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include "common/error.h"

namespace muster {
namespace {

const EVP_MD* Sha256Algorithm() {
  // Looked up once: each look-up takes a lock of the library's.
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  MUSTER_CHECK(algorithm != nullptr, "OpenSSL has no SHA-256");
  return algorithm;
}

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
  void Begin() {
    const int begun =
        context == nullptr ? 0 : EVP_DigestInit_ex2(context, Sha256Algorithm(), nullptr);
    MUSTER_CHECK(begun == 1, "SHA-256");
  }
};

Sha256::Sha256() : state_(std::make_unique<State>()) { state_->Begin(); }
Sha256::~Sha256() = default;

void Sha256::Update(ByteSpan bytes) {
  MUSTER_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1, "SHA-256");
}

Sha256Digest Sha256::Finish() {
  Sha256Digest digest;
  unsigned int size = 0;
  MUSTER_CHECK(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(digest.data()),
                                  &size) == 1,
               "SHA-256");
  MUSTER_CHECK(size == digest.size(), "SHA-256 size");
  state_->Begin();
  return digest;
}

Sha256Digest Sha256Of(ByteSpan bytes) {
  // To make a context takes a quarter of the time that the digest of a few bytes does.
  thread_local Sha256 stream;
  stream.Update(bytes);
  return stream.Finish();
}

namespace {

Xxh128Digest Canonical(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  Xxh128Digest digest;
  static_assert(sizeof(canonical.digest) == sizeof(digest));
  std::memcpy(digest.data(), canonical.digest, digest.size());
  return digest;
}

}  // namespace

struct Xxh128::State {
  XXH3_state_t* state = XXH3_createState();
  ~State() { XXH3_freeState(state); }
};

Xxh128::Xxh128() : state_(std::make_unique<State>()) {
  MUSTER_CHECK(state_->state != nullptr && XXH3_128bits_reset(state_->state) == XXH_OK, "XXH3");
}
Xxh128::~Xxh128() = default;

void Xxh128::Update(ByteSpan bytes) {
  MUSTER_CHECK(XXH3_128bits_update(state_->state, bytes.data(), bytes.size()) == XXH_OK, "XXH3");
}

Xxh128Digest Xxh128::Digest() const { return Canonical(XXH3_128bits_digest(state_->state)); }

Xxh128Digest Xxh128Of(ByteSpan bytes) {
  return Canonical(XXH3_128bits(bytes.data(), bytes.size()));
}

std::uint64_t Xxh64Of(ByteSpan bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace muster
