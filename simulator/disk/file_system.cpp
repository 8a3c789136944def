#include "simulator/disk/file_system.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace muster::simulator {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Life = VirtualDisk::Life;
using DiskPtr = std::shared_ptr<VirtualDisk>;

IOStatus StatusOf(DiskError error, const std::string& path) {
  switch (error) {
    case DiskError::none:
      return IOStatus::OK();
    case DiskError::not_found:
      return IOStatus::PathNotFound(path);
    case DiskError::exists:
      return IOStatus::IOError(path, "exists");
    case DiskError::input_output:
      return IOStatus::IOError(path, "the disk failed");
    case DiskError::no_space:
      return IOStatus::NoSpace(path, "the disk is full");
    case DiskError::power_off:
      return IOStatus::IOError(path, "the power is off");
  }
  return IOStatus::IOError(path, "unknown");
}

ByteSpan BytesOf(const Slice& slice) { return AsBytes(slice.ToStringView()); }

/// What every open file is: an inode under the name that it was opened by.
struct Handle {
  DiskPtr disk;
  Life life = 0;
  std::string path;
  VirtualDisk::InodePtr inode;

  IOStatus Status(DiskError error) const { return StatusOf(error, path); }
  IOStatus Read(std::uint64_t offset, std::size_t bytes, Slice* result, char* scratch) const {
    Bytes read;
    const DiskError error = disk->Read(life, inode, offset, bytes, &read);
    std::ranges::copy(AsText(read), scratch);
    *result = Slice(scratch, read.size());
    return Status(error);
  }
  IOStatus Write(std::uint64_t offset, const Slice& data) const {
    return Status(disk->Write(life, path, inode, offset, BytesOf(data)));
  }
  IOStatus Append(const Slice& data) const {
    return Status(disk->Append(life, path, inode, BytesOf(data)));
  }
  IOStatus Sync(DiskOperation how) const { return Status(disk->Sync(life, path, inode, how)); }
  IOStatus Close() const { return Status(disk->Close(life, path)); }
};

class SequentialFile : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(Handle handle) : handle_(std::move(handle)) {}
  IOStatus Read(size_t bytes, const IOOptions& /*options*/, Slice* result, char* scratch,
                IODebugContext* /*dbg*/) override {
    IOStatus status = handle_.Read(offset_, bytes, result, scratch);
    if (status.ok()) offset_ += result->size();
    return status;
  }
  IOStatus Skip(uint64_t bytes) override {
    offset_ += bytes;
    return IOStatus::OK();
  }

 private:
  const Handle handle_;
  std::uint64_t offset_ = 0;
};

class RandomAccessFile : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(Handle handle) : handle_(std::move(handle)) {}
  IOStatus Read(uint64_t offset, size_t bytes, const IOOptions& /*options*/, Slice* result,
                char* scratch, IODebugContext* /*dbg*/) const override {
    return handle_.Read(offset, bytes, result, scratch);
  }

 private:
  const Handle handle_;
};

class WritableFile : public rocksdb::FSWritableFile {
 public:
  explicit WritableFile(Handle handle) : handle_(std::move(handle)) {}
  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& /*options*/,
                  IODebugContext* /*dbg*/) override {
    return handle_.Append(data);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return handle_.Status(handle_.disk->Truncate(handle_.life, handle_.path, handle_.inode, size));
  }
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return handle_.Close();
  }
  IOStatus Flush(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return handle_.Sync(DiskOperation::sync);
  }
  IOStatus RangeSync(uint64_t /*offset*/, uint64_t /*bytes*/, const IOOptions& /*options*/,
                     IODebugContext* /*dbg*/) override {
    return handle_.Sync(DiskOperation::range_sync);
  }
  IOStatus Allocate(uint64_t offset, uint64_t bytes, const IOOptions& /*options*/,
                    IODebugContext* /*dbg*/) override {
    return handle_.Status(
        handle_.disk->Allocate(handle_.life, handle_.path, handle_.inode, offset + bytes));
  }
  // Only how RocksDB asks for room ahead of its writes, which changes no outcome.
  void PrepareWrite(size_t /*offset*/, size_t /*bytes*/, const IOOptions& /*options*/,
                    IODebugContext* /*dbg*/) override {}
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    std::uint64_t bytes = 0;
    return handle_.disk->Size(handle_.life, handle_.inode, &bytes) == DiskError::none ? bytes : 0;
  }

 private:
  const Handle handle_;
};

class RandomWriteFile : public rocksdb::FSRandomRWFile {
 public:
  explicit RandomWriteFile(Handle handle) : handle_(std::move(handle)) {}
  IOStatus Write(uint64_t offset, const Slice& data, const IOOptions& /*options*/,
                 IODebugContext* /*dbg*/) override {
    return handle_.Write(offset, data);
  }
  IOStatus Read(uint64_t offset, size_t bytes, const IOOptions& /*options*/, Slice* result,
                char* scratch, IODebugContext* /*dbg*/) const override {
    return handle_.Read(offset, bytes, result, scratch);
  }
  IOStatus Flush(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return handle_.Sync(DiskOperation::sync);
  }
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return handle_.Close();
  }

 private:
  const Handle handle_;
};

class DirectoryHandle : public rocksdb::FSDirectory {
 public:
  DirectoryHandle(DiskPtr disk, Life life, std::string path)
      : disk_(std::move(disk)), life_(life), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return StatusOf(disk_->SyncDirectory(life_, path_), path_);
  }

 private:
  const DiskPtr disk_;
  const Life life_;
  const std::string path_;
};

class SilentLogger : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
  size_t GetLogFileSize() const override { return 0; }
};

class HeldLock : public rocksdb::FileLock {
 public:
  explicit HeldLock(std::string held) : path(std::move(held)) {}
  const std::string path;
};

class MountedDisk : public rocksdb::FileSystem {
 public:
  explicit MountedDisk(DiskPtr disk) : disk_(std::move(disk)), life_(disk_->life()) {}

  const char* Name() const override { return "MusterVirtualDisk"; }

  // --- Files
  // ---------------------------------------------------------------------------------------
  IOStatus NewSequentialFile(const std::string& path, const FileOptions& /*options*/,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext* /*dbg*/) override {
    return Open<SequentialFile>(path, VirtualDisk::Open::existing, result);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& /*options*/,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext* /*dbg*/) override {
    return Open<RandomAccessFile>(path, VirtualDisk::Open::existing, result);
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions& /*options*/,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* /*dbg*/) override {
    return Open<WritableFile>(path, VirtualDisk::Open::empty, result);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& /*options*/,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext* /*dbg*/) override {
    return Open<WritableFile>(path, VirtualDisk::Open::create, result);
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                             const FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* result,
                             IODebugContext* dbg) override {
    IOStatus status = RenameFile(old_path, path, options.io_options, dbg);
    return status.ok() ? ReopenWritableFile(path, options, result, dbg) : status;
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions& /*options*/,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                           IODebugContext* /*dbg*/) override {
    return Open<RandomWriteFile>(path, VirtualDisk::Open::create, result);
  }
  IOStatus NewMemoryMappedFileBuffer(
      const std::string& path,
      std::unique_ptr<rocksdb::MemoryMappedFileBuffer>* /*result*/) override {
    return IOStatus::NotSupported(path, "a virtual disk maps no files");
  }
  IOStatus NewLogger(const std::string& /*path*/, const IOOptions& /*options*/,
                     std::shared_ptr<rocksdb::Logger>* result, IODebugContext* /*dbg*/) override {
    *result = std::make_shared<SilentLogger>();
    return IOStatus::OK();
  }

  // --- Names
  // ---------------------------------------------------------------------------------------
  IOStatus FileExists(const std::string& path, const IOOptions& /*options*/,
                      IODebugContext* /*dbg*/) override {
    bool is_directory = false;
    const DiskError error = disk_->Look(life_, path, &is_directory);
    return error == DiskError::not_found ? IOStatus::NotFound(path) : StatusOf(error, path);
  }
  IOStatus GetChildren(const std::string& path, const IOOptions& /*options*/,
                       std::vector<std::string>* result, IODebugContext* /*dbg*/) override {
    const DiskError error = disk_->List(life_, path, result);
    return error == DiskError::not_found ? IOStatus::NotFound(path) : StatusOf(error, path);
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& /*options*/,
                      IODebugContext* /*dbg*/) override {
    return StatusOf(disk_->Remove(life_, path), path);
  }
  IOStatus Truncate(const std::string& path, size_t size, const IOOptions& /*options*/,
                    IODebugContext* /*dbg*/) override {
    VirtualDisk::InodePtr inode;
    const DiskError error = disk_->OpenFile(life_, path, VirtualDisk::Open::existing, &inode);
    if (error != DiskError::none) return StatusOf(error, path);
    return StatusOf(disk_->Truncate(life_, path, inode, size), path);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& /*options*/,
                      IODebugContext* /*dbg*/) override {
    return StatusOf(disk_->Rename(life_, from, to), from);
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& /*options*/,
                    IODebugContext* /*dbg*/) override {
    return StatusOf(disk_->Link(life_, from, to), from);
  }
  IOStatus NumFileLinks(const std::string& path, const IOOptions& /*options*/, uint64_t* count,
                        IODebugContext* /*dbg*/) override {
    return StatusOf(disk_->LinkCount(life_, path, count), path);
  }
  IOStatus AreFilesSame(const std::string& first, const std::string& second,
                        const IOOptions& /*options*/, bool* same,
                        IODebugContext* /*dbg*/) override {
    VirtualDisk::InodePtr one;
    VirtualDisk::InodePtr other;
    DiskError error = disk_->OpenFile(life_, first, VirtualDisk::Open::existing, &one);
    if (error != DiskError::none) return StatusOf(error, first);
    error = disk_->OpenFile(life_, second, VirtualDisk::Open::existing, &other);
    *same = one == other;
    return StatusOf(error, second);
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions& /*options*/, uint64_t* size,
                       IODebugContext* /*dbg*/) override {
    VirtualDisk::InodePtr inode;
    const DiskError error = disk_->OpenFile(life_, path, VirtualDisk::Open::existing, &inode);
    if (error != DiskError::none) return StatusOf(error, path);
    return StatusOf(disk_->Size(life_, inode, size), path);
  }
  IOStatus GetFileModificationTime(const std::string& /*path*/, const IOOptions& /*options*/,
                                   uint64_t* time, IODebugContext* /*dbg*/) override {
    *time = 0;  // There is no wall clock here.
    return IOStatus::OK();
  }

  // --- Directories
  // -----------------------------------------------------------------------------------
  IOStatus NewDirectory(const std::string& path, const IOOptions& /*options*/,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* /*dbg*/) override {
    bool is_directory = false;
    const DiskError error = disk_->Look(life_, path, &is_directory);
    if (error != DiskError::none) return StatusOf(error, path);
    if (!is_directory) return IOStatus::IOError(path, "not a directory");
    *result = std::make_unique<DirectoryHandle>(disk_, life_, path);
    return IOStatus::OK();
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& /*options*/,
                     IODebugContext* /*dbg*/) override {
    return StatusOf(disk_->MakeDirectory(life_, path), path);
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& /*options*/,
                              IODebugContext* /*dbg*/) override {
    const DiskError error = disk_->MakeDirectory(life_, path);
    return error == DiskError::exists ? IOStatus::OK() : StatusOf(error, path);
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions& /*options*/,
                     IODebugContext* /*dbg*/) override {
    return StatusOf(disk_->RemoveDirectory(life_, path), path);
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions& /*options*/, bool* is_directory,
                       IODebugContext* /*dbg*/) override {
    return StatusOf(disk_->Look(life_, path, is_directory), path);
  }

  // --- The rest
  // ----------------------------------------------------------------------------------------
  IOStatus LockFile(const std::string& path, const IOOptions& /*options*/, rocksdb::FileLock** lock,
                    IODebugContext* /*dbg*/) override {
    const DiskError error = disk_->Lock(life_, path);
    if (error != DiskError::none) return IOStatus::IOError(path, "the lock is held");
    *lock = new HeldLock(path);
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions& /*options*/,
                      IODebugContext* /*dbg*/) override {
    const std::unique_ptr<HeldLock> held(static_cast<HeldLock*>(lock));
    disk_->Unlock(life_, held->path);
    return IOStatus::OK();
  }
  IOStatus GetFreeSpace(const std::string& /*path*/, const IOOptions& /*options*/,
                        uint64_t* free_bytes, IODebugContext* /*dbg*/) override {
    *free_bytes = disk_->free_bytes();
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions& /*options*/, std::string* path,
                            IODebugContext* /*dbg*/) override {
    path->assign(1, '/');
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions& /*options*/,
                           std::string* absolute, IODebugContext* /*dbg*/) override {
    *absolute = path;
    return IOStatus::OK();
  }

 private:
  template <typename File, typename Result>
  IOStatus Open(const std::string& path, VirtualDisk::Open mode, Result* result) {
    Handle handle{disk_, life_, path, nullptr};
    const DiskError error = disk_->OpenFile(life_, path, mode, &handle.inode);
    result->reset();
    if (error != DiskError::none) return StatusOf(error, path);
    *result = std::make_unique<File>(std::move(handle));
    return IOStatus::OK();
  }

  const DiskPtr disk_;
  const Life life_;
};

}  // namespace

checkpoint::FileSystemPtr Mount(std::shared_ptr<VirtualDisk> disk) {
  return std::make_shared<MountedDisk>(std::move(disk));
}

void SetDatabaseThreads(unsigned count) {
  for (const auto pool : {rocksdb::Env::HIGH, rocksdb::Env::LOW}) {
    rocksdb::Env::Default()->SetBackgroundThreads(static_cast<int>(count), pool);
  }
}

}  // namespace muster::simulator
