// The data keys of an encrypted state directory, in its file `keys`, sealed under the user's key.
// Whoever changes the user's key writes this small file anew, and no other byte of the state.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/state_key.h"
#include "common/aes_gcm.h"
#include "common/error.h"

namespace muster::checkpoint {

/// Random, of the state directory: what is sealed in one says nothing in another.
using StateId = std::array<std::byte, 16>;

/// Numbered from 1. A value that is sealed names the key's number.
using DataKeyId = std::uint32_t;

struct DataKey {
  DataKeyId id = 0;
  Aes256Gcm cipher;
};
using DataKeyPtr = std::shared_ptr<const DataKey>;

/// A data key seals this many messages at most, half of what random nonces allow; then a new one
/// takes its place. So many of them are reserved in the file at a time, before the first is sealed:
/// no crash makes a key forget how often it was used.
inline constexpr std::uint64_t kDataKeyMessagesMax = kGcmMessagesMax / 2;
inline constexpr std::uint64_t kMessagesReserved = 1ULL << 20;
inline constexpr std::size_t kDataKeysMax = 4096;

/// The keys of one open store or spool. Those of one process may write the file in turn; another
/// process must not (the state's lock). Thread-safe.
class KeyRing {
 public:
  /// Makes the file, with a random state id and the first data key; durable on return. REQUIRES:
  /// there is no such file. Errors: disk_full, io_failed.
  static Status Create(rocksdb::FileSystem& files, const std::string& state_dir,
                       const StateKey& key);
  /// Changes nothing. Errors: wrong_state_key, damage (it is not what was written), unsupported (a
  /// newer format), not_found, io_failed.
  static Result<std::shared_ptr<KeyRing>> Open(FileSystemPtr files, const std::string& state_dir,
                                               const StateKey& key);
  /// Seals the file under `new_key`, with a fresh data key for all that is written from now on: one
  /// atomic replacement, durable on return. Returns the fresh key's number. REQUIRES: no store or
  /// spool is open. Errors: as Open and Create; too_large (kDataKeysMax).
  static Result<DataKeyId> Rekey(const FileSystemPtr& files, const std::string& state_dir,
                                 const StateKey& old_key, const StateKey& new_key);

  const StateId& state_id() const { return state_id_; }
  /// Null: there is no such key.
  DataKeyPtr Find(DataKeyId id) const;
  /// The key for the next `messages` that are sealed, each under a random nonce. Writes the file
  /// once in kMessagesReserved. Errors: disk_full, io_failed, too_large (kDataKeysMax); those of
  /// Open.
  Result<DataKeyPtr> Take(std::uint64_t messages);

 private:
  KeyRing(FileSystemPtr files, std::string state_dir, StateKey key);
  Status Reserve();

  const FileSystemPtr files_;
  const std::string state_dir_;
  const StateKey key_;
  StateId state_id_{};

  mutable std::mutex mutex_;
  std::map<DataKeyId, DataKeyPtr> keys_;
  DataKeyPtr current_;          ///< Null: nothing was reserved yet.
  std::uint64_t reserved_ = 0;  ///< Messages that `current_` may still seal.
};
using KeyRingPtr = std::shared_ptr<KeyRing>;

}  // namespace muster::checkpoint
