// The spool of an encrypted state: blocks of a fixed size, each sealed by itself.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "checkpoint/internal/key_ring.h"
#include "checkpoint/spool.h"
#include "common/limits.h"

namespace muster::checkpoint {

/// What one message of AES-GCM covers: a tile of the fold, and a divisor of all that a participant
/// sends at a time, so that a chunk seldom ends inside a block.
inline constexpr std::size_t kSpoolBlockBytes = 32U << 10;
static_assert(limits::kTransferChunkBytesMin % kSpoolBlockBytes == 0);

/// Puts the ciphertext of each block at the block's own place in an extent of `plain`, and number
/// of the data key, nonce and tag into a table behind them. `name` stands in messages. Beyond the
/// contract of Spool: Write goes from the extent's begin on, in order; to begin anew is allowed at
/// any time. Read of what was not written is damage.
std::unique_ptr<Spool> SealSpool(std::unique_ptr<Spool> plain, KeyRingPtr keys, std::string name);

}  // namespace muster::checkpoint
