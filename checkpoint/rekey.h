// Another key for an encrypted state directory.
#pragma once

#include <cstdint>
#include <string>

#include "checkpoint/state_key.h"
#include "common/error.h"

namespace muster {

/// From now on `new_key` opens the state and `old_key` does not: one small file is replaced, as a
/// whole or not at all, durably on return; a crash leaves the state to one of the two keys. What
/// lies there stays sealed under the data keys of before; all that is written from now on is sealed
/// under a fresh one, whose number is returned. Errors: state_in_use (a coordinator runs),
/// not_found, flag_invalid (the new key is the old one), wrong_state_key, state_key_missing,
/// state_not_encrypted, damage, unsupported, disk_full, io_failed.
Result<std::uint32_t> RekeyState(const std::string& state_dir, const StateKey& old_key,
                                 const StateKey& new_key);

}  // namespace muster
