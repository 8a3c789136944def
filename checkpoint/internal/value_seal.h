// A value of the database as an encrypted state keeps it (docs/storage-format.md, "Encryption").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "checkpoint/internal/key_ring.h"
#include "checkpoint/internal/keys.h"
#include "common/bytes.h"
#include "common/error.h"

namespace muster::checkpoint {

/// The first byte of every sealed value. It reads this one alone.
inline constexpr std::uint8_t kSealFormat = 1;

/// Format, number of the data key, nonce, ciphertext, tag. Bound to the state, the family and the
/// key, so that no value can stand in another's place. Uses one of the key's messages, which the
/// caller took.
Bytes SealValue(const StateId& state_id, const DataKey& data_key, Family family,
                std::string_view key, ByteSpan value);

/// Inverse of SealValue. Errors, whose texts begin with "it": damage (other bytes, another place,
/// no such data key), unsupported (a newer format).
Result<std::string> OpenValue(const KeyRing& keys, Family family, std::string_view key,
                              ByteSpan sealed);

}  // namespace muster::checkpoint
