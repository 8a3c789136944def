#include "common/aes_gcm.h"

#include <openssl/rand.h>

#include <utility>

#include "common/error.h"
#include "common/internal/evp.h"

namespace muster {
namespace {

const EVP_CIPHER* Cipher() {
  // Looked up once: each look-up takes a lock of the library's.
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  MUSTER_CHECK(cipher != nullptr, "OpenSSL has no AES-256-GCM");
  return cipher;
}

/// Keyed, with the associated data taken in. OpenSSL's default nonce length is 96 bits.
CipherContext Begin(const SecretBytes& key, const GcmNonce& nonce, ByteSpan associated, bool seal) {
  CipherContext context(EVP_CIPHER_CTX_new());
  int taken = 0;
  const bool begun =
      context != nullptr &&
      EVP_CipherInit_ex2(context.get(), Cipher(), Raw(key.Reveal()), Raw(nonce), seal ? 1 : 0,
                         nullptr) == 1 &&
      (associated.empty() || EVP_CipherUpdate(context.get(), nullptr, &taken, Raw(associated),
                                              CipherSizeOf(associated)) == 1);
  MUSTER_CHECK(begun, "OpenSSL does not begin AES-256-GCM");
  return context;
}

}  // namespace

GcmNonce RandomNonce() {
  GcmNonce nonce;
  MUSTER_CHECK(RAND_bytes(RawMutable(nonce), static_cast<int>(nonce.size())) == 1,
               "the system has no random numbers");
  return nonce;
}

Aes256Gcm::Aes256Gcm(SecretBytes key) : key_(std::move(key)) {
  MUSTER_CHECK(key_.size() == kAesKeyBytes, "a key of another size");
}

GcmTag Aes256Gcm::Seal(const GcmNonce& nonce, ByteSpan associated, ByteSpan plaintext,
                       MutableByteSpan ciphertext) const {
  const CipherContext context = Begin(key_, nonce, associated, /*seal=*/true);
  Transform(context.get(), plaintext, ciphertext);
  GcmTag tag;
  int done = 0;
  const bool sealed = EVP_CipherFinal_ex(context.get(), RawMutable(tag), &done) == 1 && done == 0 &&
                      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG,
                                          static_cast<int>(tag.size()), tag.data()) == 1;
  MUSTER_CHECK(sealed, "OpenSSL does not finish a message");
  return tag;
}

bool Aes256Gcm::Open(const GcmNonce& nonce, ByteSpan associated, ByteSpan ciphertext,
                     const GcmTag& tag, MutableByteSpan plaintext) const {
  const CipherContext context = Begin(key_, nonce, associated, /*seal=*/false);
  Transform(context.get(), ciphertext, plaintext);
  GcmTag expected = tag;
  GcmTag rest;
  int done = 0;
  const bool set = EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG,
                                       static_cast<int>(expected.size()), expected.data()) == 1;
  MUSTER_CHECK(set, "OpenSSL does not take a tag");
  if (EVP_CipherFinal_ex(context.get(), RawMutable(rest), &done) == 1) return true;
  WipeBytes(plaintext);
  return false;
}

}  // namespace muster
