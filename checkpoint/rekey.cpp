#include "checkpoint/rekey.h"

#include <rocksdb/file_system.h>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/internal/paths.h"
#include "checkpoint/internal/state_keys.h"
#include "common/file.h"

namespace muster {
namespace checkpoint {

Result<std::uint32_t> RekeyStateOn(const FileSystemPtr& files, const std::string& state_dir,
                                   const StateKey& old_key, const StateKey& new_key) {
  MUSTER_CHECK(new_key.given(), "no new key was given");
  auto format = CheckFormat(*files, state_dir);
  MUSTER_TRY(format);
  if (*format == FormatFile::missing) {
    return Error{Reason::not_found, "there is no checkpoint in " + state_dir};
  }
  auto lock = FileLock::Acquire(LockPath(state_dir));
  MUSTER_TRY(lock);
  MUSTER_TRY(OpenKeysOf(files, state_dir, *format, old_key));
  if (!old_key.given()) {
    return Error{Reason::state_not_encrypted,
                 state_dir +
                     " is not encrypted, and no key can make it so: start in a new state "
                     "directory with a key"};
  }
  if (ConstantTimeEqual(old_key.bytes().Reveal(), new_key.bytes().Reveal())) {
    return Error{Reason::flag_invalid, "the new key is the old one; nothing was changed"};
  }
  return KeyRing::Rekey(files, state_dir, old_key, new_key);
}

}  // namespace checkpoint

Result<std::uint32_t> RekeyState(const std::string& state_dir, const StateKey& old_key,
                                 const StateKey& new_key) {
  return checkpoint::RekeyStateOn(rocksdb::FileSystem::Default(), state_dir, old_key, new_key);
}

}  // namespace muster
