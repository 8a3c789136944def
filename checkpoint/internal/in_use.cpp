#include "checkpoint/internal/in_use.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "checkpoint/internal/paths.h"
#include "common/file.h"

namespace muster::checkpoint {

// A shared lock of a moment: lookers do not see one another, and it is gone when the file closes.
Result<bool> IsInUse(const std::string& state_dir) {
  const std::string path = LockPath(state_dir);
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) return false;
    return SystemError(Reason::io_failed, "open", path, errno);
  }
  while (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return true;
    if (errno != EINTR) return SystemError(Reason::io_failed, "look at the lock", path, errno);
  }
  return false;
}

}  // namespace muster::checkpoint
