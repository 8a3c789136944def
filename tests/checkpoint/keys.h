// Keys of encrypted states for tests.
#pragma once

#include "checkpoint/state_key.h"
#include "common/aes_gcm.h"

namespace muster {

/// Equal for equal numbers.
inline StateKey TestKey(unsigned number) {
  return StateKey(SecretBytes(Bytes(kAesKeyBytes, static_cast<std::byte>(number))));
}

}  // namespace muster
