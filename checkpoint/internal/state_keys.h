// Whether a state directory is encrypted, and whether the key given is the one it asks for.
#pragma once

#include <string>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/internal/format.h"
#include "checkpoint/internal/key_ring.h"

namespace muster::checkpoint {

/// The keys of a state that stands; null if it is not encrypted. Changes nothing. Errors:
/// state_key_missing, state_not_encrypted, those of KeyRing::Open.
Result<KeyRingPtr> OpenKeys(const FileSystemPtr& files, const std::string& state_dir,
                            bool encrypted, const StateKey& key);

/// As OpenKeys, of a state whose FORMAT says `format`. Errors: also damage (FORMAT and `keys`
/// contradict each other).
Result<KeyRingPtr> OpenKeysOf(const FileSystemPtr& files, const std::string& state_dir,
                              FormatFile format, const StateKey& key);

/// As OpenKeysOf, and makes `keys` in a directory that is about to become an encrypted state.
/// Errors: also disk_full.
Result<KeyRingPtr> PrepareKeys(const FileSystemPtr& files, const std::string& state_dir,
                               FormatFile format, const StateKey& key);

}  // namespace muster::checkpoint
