// Files by POSIX calls: whole reads, atomic writes, locks between processes, logs of lines.
// Every error names the operation, the path and what the system said. Reasons: disk_full for ENOSPC
// and EDQUOT everywhere; otherwise those that each function lists.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"

namespace muster {

/// The Error of a system call: "cannot OPERATION PATH: what errno_value means". The reason is
/// disk_full if the device is full, `otherwise` if not.
Error SystemError(Reason otherwise, std::string_view operation, const std::string& path,
                  int errno_value);

/// Owns a file descriptor. Move only.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// A file opened for reading. Safe for concurrent reads.
class InputFile {
 public:
  /// Errors: not_found, file_unreadable.
  static Result<InputFile> Open(const std::string& path);

  /// Bytes in the file when it was opened; 0 for pipes and devices.
  std::uint64_t size() const { return size_; }
  /// Fills `bytes` from `offset`. Errors: file_unreadable, also if the file ends before.
  Status ReadAt(std::uint64_t offset, MutableByteSpan bytes) const;

 private:
  FileDescriptor fd_;
  std::string path_;
  std::uint64_t size_ = 0;
};

/// All bytes of a file, pipe or device. Errors: not_found, file_unreadable, too_large (more than
/// `bytes_max`; no more than that is read).
Result<Bytes> ReadFile(const std::string& path, std::uint64_t bytes_max);

/// Writes a file that appears as a whole or not at all: the bytes go to `path`.tmp, which Commit
/// syncs and renames. Dropped without Commit, it removes what it wrote; after a crash the next
/// writer of the path takes the leftover over. Not thread-safe.
class AtomicFileWriter {
 public:
  /// `mode` becomes the file's exactly, whatever the umask. Errors: io_failed, state_in_use
  /// (another writer of the same path is at work).
  static Result<AtomicFileWriter> Create(const std::string& path, mode_t mode);
  ~AtomicFileWriter();
  AtomicFileWriter(AtomicFileWriter&&) noexcept = default;
  AtomicFileWriter& operator=(AtomicFileWriter&&) = delete;

  /// Appends. Errors: io_failed, disk_full.
  Status Write(ByteSpan bytes);
  /// Syncs, renames, syncs the directory: durable on return. REQUIRES: called at most once.
  /// Errors: io_failed, disk_full; the old file, if any, then still stands, unless the directory's
  /// sync failed.
  Status Commit();

 private:
  AtomicFileWriter(FileDescriptor fd, std::string path);
  FileDescriptor fd_;
  std::string path_;
};

/// AtomicFileWriter in one call. Errors: io_failed, disk_full, state_in_use.
Status WriteFileAtomically(const std::string& path, ByteSpan bytes, mode_t mode);

/// Removes a file; success if there is none. Not synced: after a power cut it may be back; who
/// cannot bear that calls SyncDirectory. Errors: io_failed.
Status RemoveFile(const std::string& path);

/// Makes the names in a directory durable. Errors: io_failed.
Status SyncDirectory(const std::string& path);

/// Makes the directory and its missing parents, durably; those it makes get `mode` less the umask.
/// Success if it stands already. Errors: io_failed.
Status MakeDirectories(const std::string& path, mode_t mode);

/// An exclusive lock between processes (flock) on a file made for it, which stays when the lock is
/// released. Held until destroyed or until the process ends, however it ends. A child forked
/// without exec shares it. Move only.
class FileLock {
 public:
  /// Does not wait. Errors: state_in_use (the message names the holder's pid), io_failed.
  static Result<FileLock> Acquire(const std::string& path);

 private:
  explicit FileLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

/// A log of lines that several processes may append to. A line is whole or absent: what a killed
/// writer left of its last one is cut off at open and before each append. Not synced: lines survive
/// the process, not a power cut. Waits a second for another writer, who may have been stopped in
/// the middle of a line: then state_in_use. Not thread-safe; use one object per thread.
class LineLog {
 public:
  /// Makes the file (mode 0644 less the umask) if there is none. Errors: io_failed, disk_full,
  /// state_in_use.
  static Result<LineLog> Open(const std::string& path);

  /// REQUIRES: no newline in `line`. Errors: io_failed, disk_full, state_in_use; the line is then
  /// absent.
  Status Append(std::string_view line);

 private:
  LineLog(FileDescriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  FileDescriptor fd_;
  std::string path_;
};

/// The whole lines of a file, without their newlines; an unfinished last one is left out.
/// Errors: as ReadFile.
Result<std::vector<std::string>> ReadLines(const std::string& path, std::uint64_t bytes_max);

}  // namespace muster
