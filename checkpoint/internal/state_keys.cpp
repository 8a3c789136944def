#include "checkpoint/internal/state_keys.h"

#include "checkpoint/internal/files.h"
#include "checkpoint/internal/paths.h"

namespace muster::checkpoint {

Result<KeyRingPtr> OpenKeys(const FileSystemPtr& files, const std::string& state_dir,
                            bool encrypted, const StateKey& key) {
  if (encrypted && !key.given()) {
    return Error{Reason::state_key_missing,
                 state_dir +
                     " is encrypted: name the file of its key (checkpoint.key_file, or "
                     "--key-file), or set " +
                     kStateKeyVariable};
  }
  if (!encrypted && key.given()) {
    return Error{Reason::state_not_encrypted,
                 state_dir +
                     " was made without a key and stays as it is: give none "
                     "(checkpoint.key_file, --key-file, " +
                     kStateKeyVariable + "), or use a new state directory"};
  }
  if (!encrypted) return KeyRingPtr();
  return KeyRing::Open(files, state_dir, key);
}

Result<KeyRingPtr> OpenKeysOf(const FileSystemPtr& files, const std::string& state_dir,
                              FormatFile format, const StateKey& key) {
  auto exists = FileExists(*files, KeysPath(state_dir));
  MUSTER_TRY(exists);
  const bool encrypted = format == FormatFile::encrypted;
  if (encrypted && !*exists) {
    return Error{Reason::damage, KeysPath(state_dir) +
                                     " is gone, and with it the keys of all that is stored: put a "
                                     "copy of it back, or restore the state from its mirror"};
  }
  if (!encrypted && format != FormatFile::missing && *exists) {
    return Error{Reason::damage, FormatPath(state_dir) +
                                     " says that the state is not encrypted, "
                                     "yet there is " +
                                     KeysPath(state_dir)};
  }
  return OpenKeys(files, state_dir, *exists, key);
}

Result<KeyRingPtr> PrepareKeys(const FileSystemPtr& files, const std::string& state_dir,
                               FormatFile format, const StateKey& key) {
  if (format == FormatFile::missing && key.given()) {
    // The keys come before the database: one without them was begun without a key.
    auto keys = FileExists(*files, KeysPath(state_dir));
    MUSTER_TRY(keys);
    auto database = FileExists(*files, DatabasePath(state_dir) + "/CURRENT");
    MUSTER_TRY(database);
    if (!*keys && !*database) MUSTER_TRY(KeyRing::Create(*files, state_dir, key));
  }
  return OpenKeysOf(files, state_dir, format, key);
}

}  // namespace muster::checkpoint
