#include "common/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

namespace muster {
namespace {

constexpr std::size_t kBlockBytes = 64U << 10;
// Whoever loses the race for a temporary name this often meets a live writer, not a leftover.
constexpr int kCreateAttemptsMax = 8;
// Of a log of lines; waited for in steps of a millisecond.
constexpr int kWritersAwaitedMsMax = 1'000;

int OpenRetrying(const std::string& path, int flags, mode_t mode = 0) {
  int fd;
  do {
    fd = open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// A writer holds the lock for the time of a write, unless it was stopped (SIGSTOP) meanwhile.
Status LockExclusively(int fd, const std::string& path) {
  int waited_ms = 0;
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return SystemError(Reason::io_failed, "lock", path, errno);
    if (waited_ms++ == kWritersAwaitedMsMax) {
      return Error{Reason::state_in_use, path + " is locked by another process for more than " +
                                             std::to_string(kWritersAwaitedMsMax) +
                                             " ms; is one that writes it stopped?"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

Status WriteAll(int fd, ByteSpan bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return SystemError(Reason::io_failed, "write", path, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

// Bytes read before the end of the file, at most bytes.size(). `offset` < 0 reads a stream.
Result<std::size_t> ReadSome(int fd, off_t offset, MutableByteSpan bytes, const std::string& path) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = offset < 0 ? read(fd, bytes.data() + done, bytes.size() - done)
                                     : pread(fd, bytes.data() + done, bytes.size() - done,
                                             offset + static_cast<off_t>(done));
    if (count < 0) {
      if (errno == EINTR) continue;
      return SystemError(Reason::file_unreadable, "read", path, errno);
    }
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

std::string ParentOf(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  const std::size_t slash = end == std::string::npos ? end : path.rfind('/', end);
  if (slash == std::string::npos) return end == std::string::npos && !path.empty() ? "/" : ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string TemporaryName(const std::string& path) { return path + ".tmp"; }

}  // namespace

Error SystemError(Reason otherwise, std::string_view operation, const std::string& path,
                  int errno_value) {
  const bool full = errno_value == ENOSPC || errno_value == EDQUOT;
  return Error{full ? Reason::disk_full : otherwise,
               "cannot " + std::string(operation) + " " + path + ": " +
                   std::generic_category().message(errno_value)};
}

FileDescriptor::~FileDescriptor() {
  if (valid()) close(fd_);
}
FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}
FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

// --- Reading -------------------------------------------------------------------------------------

Result<InputFile> InputFile::Open(const std::string& path) {
  InputFile file;
  file.path_ = path;
  file.fd_ = FileDescriptor(OpenRetrying(path, O_RDONLY));
  if (!file.fd_.valid()) {
    return SystemError(errno == ENOENT ? Reason::not_found : Reason::file_unreadable, "open", path,
                       errno);
  }
  struct stat info;
  if (fstat(file.fd_.get(), &info) != 0) {
    return SystemError(Reason::file_unreadable, "stat", path, errno);
  }
  if (S_ISREG(info.st_mode)) file.size_ = static_cast<std::uint64_t>(info.st_size);
  return file;
}

Status InputFile::ReadAt(std::uint64_t offset, MutableByteSpan bytes) const {
  auto count = ReadSome(fd_.get(), static_cast<off_t>(offset), bytes, path_);
  MUSTER_TRY(count);
  if (*count < bytes.size()) {
    return Error{Reason::file_unreadable, "cannot read " + path_ + ": it ends before byte " +
                                              std::to_string(offset + bytes.size())};
  }
  return {};
}

Result<Bytes> ReadFile(const std::string& path, std::uint64_t bytes_max) {
  const FileDescriptor fd(OpenRetrying(path, O_RDONLY));
  if (!fd.valid()) {
    return SystemError(errno == ENOENT ? Reason::not_found : Reason::file_unreadable, "open", path,
                       errno);
  }
  // Grows with what is there: neither a false size nor a pipe without end can claim memory.
  Bytes bytes;
  while (true) {
    const std::size_t before = bytes.size();
    const std::uint64_t step = std::max(kBlockBytes, before / 2);
    const std::uint64_t room = bytes_max - before;
    // One byte more than the room tells a file that is too large from one that just fits.
    bytes.resize(before + static_cast<std::size_t>(room < step ? room + 1 : step));
    auto count = ReadSome(fd.get(), -1, MutableByteSpan(bytes).subspan(before), path);
    MUSTER_TRY(count);
    const bool ended = before + *count < bytes.size();
    bytes.resize(before + *count);
    if (bytes.size() > bytes_max) {
      return Error{Reason::too_large,
                   path + " is larger than " + std::to_string(bytes_max) + " bytes"};
    }
    if (ended) return bytes;
  }
}

// --- Writing -------------------------------------------------------------------------------------

AtomicFileWriter::AtomicFileWriter(FileDescriptor fd, std::string path)
    : fd_(std::move(fd)), path_(std::move(path)) {}

Result<AtomicFileWriter> AtomicFileWriter::Create(const std::string& path, mode_t mode) {
  const std::string temporary = TemporaryName(path);
  for (int attempt = 0; attempt < kCreateAttemptsMax; ++attempt) {
    FileDescriptor fd(OpenRetrying(temporary, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600));
    if (!fd.valid()) return SystemError(Reason::io_failed, "create", temporary, errno);
    // The lock tells a leftover of a dead process from the file of a live one.
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) break;
      if (errno == EINTR) continue;
      return SystemError(Reason::io_failed, "lock", temporary, errno);
    }
    // Between open and lock another writer may have renamed or removed it: then it is not ours.
    struct stat opened;
    struct stat named;
    if (fstat(fd.get(), &opened) != 0) {
      return SystemError(Reason::io_failed, "stat", temporary, errno);
    }
    if (lstat(temporary.c_str(), &named) != 0 || opened.st_ino != named.st_ino) continue;
    // Owned from here on: an error below removes the temporary file.
    AtomicFileWriter writer(std::move(fd), path);
    if (ftruncate(writer.fd_.get(), 0) != 0) {
      return SystemError(Reason::io_failed, "truncate", temporary, errno);
    }
    if (fchmod(writer.fd_.get(), mode) != 0) {
      return SystemError(Reason::io_failed, "set the mode of", temporary, errno);
    }
    return writer;
  }
  return Error{Reason::state_in_use, "cannot write " + path + ": another process is writing it"};
}

AtomicFileWriter::~AtomicFileWriter() {
  if (fd_.valid()) unlink(TemporaryName(path_).c_str());
}

Status AtomicFileWriter::Write(ByteSpan bytes) {
  MUSTER_CHECK(fd_.valid(), "written after Commit");
  return WriteAll(fd_.get(), bytes, TemporaryName(path_));
}

Status AtomicFileWriter::Commit() {
  MUSTER_CHECK(fd_.valid(), "committed twice");
  const std::string temporary = TemporaryName(path_);
  if (fsync(fd_.get()) != 0) return SystemError(Reason::io_failed, "sync", temporary, errno);
  if (rename(temporary.c_str(), path_.c_str()) != 0) {
    return SystemError(Reason::io_failed, "rename " + temporary + " to", path_, errno);
  }
  fd_ = FileDescriptor();
  return SyncDirectory(ParentOf(path_));
}

Status WriteFileAtomically(const std::string& path, ByteSpan bytes, mode_t mode) {
  auto writer = AtomicFileWriter::Create(path, mode);
  MUSTER_TRY(writer);
  MUSTER_TRY(writer->Write(bytes));
  return writer->Commit();
}

Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return SystemError(Reason::io_failed, "remove", path, errno);
  }
  return {};
}

Status SyncDirectory(const std::string& path) {
  const FileDescriptor fd(OpenRetrying(path, O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) return SystemError(Reason::io_failed, "open the directory", path, errno);
  if (fsync(fd.get()) != 0) {
    return SystemError(Reason::io_failed, "sync the directory", path, errno);
  }
  return {};
}

Status MakeDirectories(const std::string& path, mode_t mode) {
  std::size_t end = 0;
  while (end < path.size()) {
    end = std::min(path.find('/', end + 1), path.size());
    const std::string part = path.substr(0, end);
    if (mkdir(part.c_str(), mode) == 0) {
      MUSTER_TRY(SyncDirectory(ParentOf(part)));
      continue;
    }
    // Read-only parents that stand answer EROFS or EACCES rather than EEXIST.
    const int error = errno;
    struct stat info;
    if (stat(part.c_str(), &info) != 0) {
      return SystemError(Reason::io_failed, "make the directory", part, error);
    }
    if (!S_ISDIR(info.st_mode)) {
      return SystemError(Reason::io_failed, "make the directory", part, ENOTDIR);
    }
  }
  return {};
}

// --- Locks ---------------------------------------------------------------------------------------

namespace {

// Who only looks whether the lock is held shares it, for a moment.
constexpr int kLookersAwaitedMsMax = 1'000;

/// Whether nobody but lookers holds it; then this descriptor is one of them.
bool IsOnlyLookedAt(int fd) {
  while (flock(fd, LOCK_SH | LOCK_NB) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace

Result<FileLock> FileLock::Acquire(const std::string& path) {
  FileDescriptor fd(OpenRetrying(path, O_RDWR | O_CREAT, 0644));
  if (!fd.valid()) return SystemError(Reason::io_failed, "open", path, errno);
  int waited_ms = 0;
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return SystemError(Reason::io_failed, "lock", path, errno);
    if (waited_ms++ < kLookersAwaitedMsMax && IsOnlyLookedAt(fd.get())) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    std::array<std::byte, 20> holder;
    auto count = ReadSome(fd.get(), 0, holder, path);
    const std::string_view text = AsText(ByteSpan(holder).first(count.value_or(0)));
    const std::string pid(text.substr(0, text.find('\n')));
    return Error{Reason::state_in_use, path + " is locked by " +
                                           (pid.empty() ? "another process" : "process " + pid) +
                                           "; end it or use another directory"};
  }
  // The pid only serves the message above: a lock on a full disk is a lock all the same.
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd.get(), 0) == 0) (void)WriteAll(fd.get(), AsBytes(pid), path).has_value();
  return FileLock(std::move(fd));
}

// --- Lines ---------------------------------------------------------------------------------------

namespace {

// Cuts off what follows the last newline and returns the size that remains. REQUIRES: locked.
Result<off_t> CutTornLine(int fd, const std::string& path) {
  struct stat info;
  if (fstat(fd, &info) != 0) return SystemError(Reason::io_failed, "stat", path, errno);
  std::array<std::byte, 4096> block;
  off_t end = info.st_size;
  while (end > 0) {
    const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(block.size()));
    auto count = ReadSome(fd, begin, MutableByteSpan(block).first(end - begin), path);
    MUSTER_TRY(count);
    const std::size_t newline = AsText(ByteSpan(block).first(*count)).rfind('\n');
    if (newline != std::string_view::npos) {
      end = begin + static_cast<off_t>(newline) + 1;
      break;
    }
    end = begin;
  }
  if (end < info.st_size && ftruncate(fd, end) != 0) {
    return SystemError(Reason::io_failed, "cut the torn last line of", path, errno);
  }
  return end;
}

}  // namespace

Result<LineLog> LineLog::Open(const std::string& path) {
  LineLog log(FileDescriptor(OpenRetrying(path, O_RDWR | O_APPEND | O_CREAT, 0644)), path);
  if (!log.fd_.valid()) return SystemError(Reason::io_failed, "open", path, errno);
  MUSTER_TRY(LockExclusively(log.fd_.get(), path));
  auto size = CutTornLine(log.fd_.get(), path);
  flock(log.fd_.get(), LOCK_UN);
  MUSTER_TRY(size);
  return log;
}

Status LineLog::Append(std::string_view line) {
  MUSTER_CHECK(line.find('\n') == std::string_view::npos, "a line of a log holds a newline");
  const std::string text = std::string(line) + "\n";
  MUSTER_TRY(LockExclusively(fd_.get(), path_));
  Status status;
  auto size = CutTornLine(fd_.get(), path_);
  if (!size) {
    status = std::move(size.error());
  } else {
    status = WriteAll(fd_.get(), AsBytes(text), path_);
    // If this fails too, the next append or open cuts.
    if (!status && ftruncate(fd_.get(), *size) != 0)
      status.error().message += "; half a line stays";
  }
  flock(fd_.get(), LOCK_UN);
  return status;
}

Result<std::vector<std::string>> ReadLines(const std::string& path, std::uint64_t bytes_max) {
  auto bytes = ReadFile(path, bytes_max);
  MUSTER_TRY(bytes);
  std::vector<std::string> lines;
  std::string_view rest = AsText(*bytes);
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace muster
