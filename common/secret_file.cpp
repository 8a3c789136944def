#include "common/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/bytes.h"
#include "common/file.h"

namespace muster {
namespace {

/// Opens for reading and refuses what others could read as well.
Result<FileDescriptor> OpenSecret(const std::string& path) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) {
    const Reason reason = errno == ENOENT ? Reason::not_found : Reason::file_unreadable;
    return SystemError(reason, "open", path, errno);
  }
  struct stat info {};
  if (fstat(file.get(), &info) != 0) {
    return SystemError(Reason::file_unreadable, "stat", path, errno);
  }
  if (!S_ISREG(info.st_mode)) {
    return Error{Reason::file_malformed, "key file " + path + ": it is no regular file"};
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Error{Reason::config_invalid, "secret key file " + path +
                                             " can be read by others than its owner: run chmod "
                                             "600 on it, and make a new key if others had access"};
  }
  return file;
}

}  // namespace

Result<SecretBytes> ReadSecretFile(const std::string& path, std::size_t bytes_max) {
  Result<FileDescriptor> file = OpenSecret(path);
  MUSTER_TRY(file);
  Bytes buffer(bytes_max + 1);
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t got = read(file->get(), buffer.data() + filled, buffer.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(Reason::file_unreadable, "read", path, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  SecretBytes secret(ByteSpan(buffer).first(filled));
  WipeBytes(buffer);
  if (filled <= bytes_max) return secret;
  return Error{Reason::file_malformed,
               "key file " + path + ": it is longer than " + std::to_string(bytes_max) + " bytes"};
}

}  // namespace muster
