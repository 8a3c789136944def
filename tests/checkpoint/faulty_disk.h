// The machine's file system, but operations can be told to fail.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/internal/file_system.h"

namespace muster {

/// `measure` is the question for free space: with no_space, the answer is 0.
enum class DiskOperation { append, positioned_write, sync, allocate, link, measure };
enum class DiskFault { no_space, input_output };

/// Thread-safe.
class FaultyDisk {
 public:
  FaultyDisk();

  const checkpoint::FileSystemPtr& files() const { return files_; }
  /// From now on the operation fails on paths that hold `path_part`. A failing append writes the
  /// first half of its bytes.
  void Fail(DiskOperation operation, const std::string& path_part, DiskFault fault);
  /// All goes well again.
  void Heal();
  /// How many operations failed so far.
  int failures() const;

 private:
  struct Rules;
  std::shared_ptr<Rules> rules_;
  checkpoint::FileSystemPtr files_;
  friend class FaultyFileSystem;
  friend class FaultyWritableFile;
  friend class FaultyRandomFile;
};

}  // namespace muster
