#include "transport/shared_seal.h"

#include "common/aes_ctr.h"
#include "common/aes_gcm.h"
#include "common/error.h"

namespace muster {

SharedSeal::Sealed SharedSeal::Of(ByteSpan plain) {
  if (key_.empty()) {
    key_ = RandomSecret(kAesKeyBytes);
    ciphertext_.resize(plain.size());
    Aes256CtrOnce(key_, plain, ciphertext_);
  }
  MUSTER_CHECK(ciphertext_.size() == plain.size(), "a shared seal is of one payload");
  return {key_, ciphertext_};
}

}  // namespace muster
