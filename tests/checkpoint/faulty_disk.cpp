#include "tests/checkpoint/faulty_disk.h"

#include <rocksdb/file_system.h>

#include <mutex>
#include <utility>
#include <vector>

namespace muster {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

struct FaultyDisk::Rules {
  struct Rule {
    DiskOperation operation;
    std::string path_part;
    DiskFault fault;
  };
  std::mutex mutex;
  std::vector<Rule> rules;
  int failures = 0;

  IOStatus Judge(DiskOperation operation, const std::string& path) {
    const std::lock_guard guard(mutex);
    for (const Rule& rule : rules) {
      if (rule.operation != operation || path.find(rule.path_part) == std::string::npos) continue;
      ++failures;
      return rule.fault == DiskFault::no_space ? IOStatus::NoSpace("the test's disk is full", path)
                                               : IOStatus::IOError("the test's disk fails", path);
    }
    return IOStatus::OK();
  }
};

class FaultyWritableFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyWritableFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, std::string path,
                     std::shared_ptr<FaultyDisk::Rules> rules)
      : FSWritableFileOwnerWrapper(std::move(file)),
        path_(std::move(path)),
        rules_(std::move(rules)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* dbg) override {
    IOStatus fault = rules_->Judge(DiskOperation::append, path_);
    if (fault.ok()) return target()->Append(data, options, dbg);
    (void)target()->Append(Slice(data.data(), data.size() / 2), options, dbg).ok();
    return fault;
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& /*info*/, IODebugContext* dbg) override {
    return Append(data, options, dbg);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* dbg) override {
    IOStatus fault = rules_->Judge(DiskOperation::sync, path_);
    return fault.ok() ? target()->Sync(options, dbg) : fault;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* dbg) override {
    IOStatus fault = rules_->Judge(DiskOperation::sync, path_);
    return fault.ok() ? target()->Fsync(options, dbg) : fault;
  }
  IOStatus Allocate(std::uint64_t offset, std::uint64_t size, const IOOptions& options,
                    IODebugContext* dbg) override {
    IOStatus fault = rules_->Judge(DiskOperation::allocate, path_);
    return fault.ok() ? target()->Allocate(offset, size, options, dbg) : fault;
  }

 private:
  const std::string path_;
  const std::shared_ptr<FaultyDisk::Rules> rules_;
};

class FaultyRandomFile : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  FaultyRandomFile(std::unique_ptr<rocksdb::FSRandomRWFile>&& file, std::string path,
                   std::shared_ptr<FaultyDisk::Rules> rules)
      : FSRandomRWFileOwnerWrapper(std::move(file)),
        path_(std::move(path)),
        rules_(std::move(rules)) {}

  IOStatus Write(std::uint64_t offset, const Slice& data, const IOOptions& options,
                 IODebugContext* dbg) override {
    IOStatus fault = rules_->Judge(DiskOperation::positioned_write, path_);
    return fault.ok() ? FSRandomRWFileOwnerWrapper::Write(offset, data, options, dbg) : fault;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* dbg) override {
    IOStatus fault = rules_->Judge(DiskOperation::sync, path_);
    return fault.ok() ? FSRandomRWFileOwnerWrapper::Sync(options, dbg) : fault;
  }

 private:
  const std::string path_;
  const std::shared_ptr<FaultyDisk::Rules> rules_;
};

class FaultyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(std::shared_ptr<FaultyDisk::Rules> rules)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), rules_(std::move(rules)) {}
  const char* Name() const override { return "FaultyFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* dbg) override {
    return Wrap(target()->NewWritableFile(path, options, result, dbg), path, result);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext* dbg) override {
    return Wrap(target()->ReopenWritableFile(path, options, result, dbg), path, result);
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                           IODebugContext* dbg) override {
    IOStatus status = target()->NewRandomRWFile(path, options, result, dbg);
    if (status.ok()) {
      *result = std::make_unique<FaultyRandomFile>(std::move(*result), path, rules_);
    }
    return status;
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* dbg) override {
    IOStatus fault = rules_->Judge(DiskOperation::link, to);
    return fault.ok() ? target()->LinkFile(from, to, options, dbg) : fault;
  }
  IOStatus GetFreeSpace(const std::string& path, const IOOptions& options, std::uint64_t* bytes,
                        IODebugContext* dbg) override {
    const IOStatus fault = rules_->Judge(DiskOperation::measure, path);
    if (!fault.IsNoSpace()) return target()->GetFreeSpace(path, options, bytes, dbg);
    *bytes = 0;
    return IOStatus::OK();
  }

 private:
  IOStatus Wrap(IOStatus status, const std::string& path,
                std::unique_ptr<rocksdb::FSWritableFile>* result) {
    if (status.ok()) {
      *result = std::make_unique<FaultyWritableFile>(std::move(*result), path, rules_);
    }
    return status;
  }

  const std::shared_ptr<FaultyDisk::Rules> rules_;
};

FaultyDisk::FaultyDisk()
    : rules_(std::make_shared<Rules>()), files_(std::make_shared<FaultyFileSystem>(rules_)) {}

void FaultyDisk::Fail(DiskOperation operation, const std::string& path_part, DiskFault fault) {
  const std::lock_guard guard(rules_->mutex);
  rules_->rules.push_back({operation, path_part, fault});
}

void FaultyDisk::Heal() {
  const std::lock_guard guard(rules_->mutex);
  rules_->rules.clear();
}

int FaultyDisk::failures() const {
  const std::lock_guard guard(rules_->mutex);
  return rules_->failures;
}

}  // namespace muster
