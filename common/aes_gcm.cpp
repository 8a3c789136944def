#include "common/aes_gcm.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <climits>
#include <memory>
#include <utility>

#include "common/error.h"

namespace muster {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }  // Wipes it.
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* Raw(ByteSpan bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* RawMutable(MutableByteSpan bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

int SizeOf(ByteSpan bytes) {
  MUSTER_CHECK(bytes.size() <= INT_MAX, "one message of AES-GCM is longer than OpenSSL takes");
  return static_cast<int>(bytes.size());
}

const EVP_CIPHER* Cipher() {
  // Looked up once: each look-up takes a lock of the library's.
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  MUSTER_CHECK(cipher != nullptr, "OpenSSL has no AES-256-GCM");
  return cipher;
}

/// Keyed, with the associated data taken in. OpenSSL's default nonce length is 96 bits.
Context Begin(const SecretBytes& key, const GcmNonce& nonce, ByteSpan associated, bool seal) {
  Context context(EVP_CIPHER_CTX_new());
  int taken = 0;
  const bool begun =
      context != nullptr &&
      EVP_CipherInit_ex2(context.get(), Cipher(), Raw(key.Reveal()), Raw(nonce), seal ? 1 : 0,
                         nullptr) == 1 &&
      (associated.empty() ||
       EVP_CipherUpdate(context.get(), nullptr, &taken, Raw(associated), SizeOf(associated)) == 1);
  MUSTER_CHECK(begun, "OpenSSL does not begin AES-256-GCM");
  return context;
}

void Transform(EVP_CIPHER_CTX* context, ByteSpan from, MutableByteSpan to) {
  MUSTER_CHECK(from.size() == to.size(), "AES-GCM keeps the size");
  if (from.empty()) return;
  int done = 0;
  const int status = EVP_CipherUpdate(context, RawMutable(to), &done, Raw(from), SizeOf(from));
  MUSTER_CHECK(status == 1 && done == SizeOf(from), "OpenSSL does not transform a message");
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
  const Context context = Begin(key_, nonce, associated, /*seal=*/true);
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
  const Context context = Begin(key_, nonce, associated, /*seal=*/false);
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
