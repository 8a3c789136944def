// Verbs for tests of the store: write, reopen, crash, cut and flip what lies on the disk.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/store.h"
#include "common/bytes.h"
#include "tests/support/temp_dir.h"

namespace muster {

class StoreFixture : public testing::Test {
 protected:
  /// Opens directory() for writing; fails the test if it cannot.
  void Open();
  void Close() { store_.reset(); }
  void Reopen();
  /// Leaves the store as a kill would: the directory is copied as it lies there, and the copy is
  /// directory() from now on. Nothing is open then.
  void Crash();
  /// Why directory() does not open; fails the test if it does.
  Error OpenError(OpenMode mode = OpenMode::create_or_open);
  std::unique_ptr<CheckpointStore> OpenReader();

  void Write(std::vector<Mutation> mutations, bool sync = true);
  /// One batch an update, salts from `first` to `last`.
  void AcceptEach(std::uint32_t first, std::uint32_t last, bool sync = true);
  /// Chunks made durable, and no batch that names them.
  void Stage(Version version, std::size_t bytes = kVersionBytes);
  /// The batch that makes it head, and no chunks.
  void CommitUnstored(Version version, std::size_t bytes = kVersionBytes);
  /// Stage, then the batch that makes it head.
  void Commit(Version version, std::size_t bytes = kVersionBytes);

  const RecoveredState& recovered() const { return store_->recovered(); }
  const std::string& directory() const { return current_; }
  std::string FileOf(std::string_view name) const { return current_ + "/" + std::string(name); }
  /// The log that the database writes at present.
  std::string LiveLog() const;
  /// The database's sorted files.
  std::vector<std::string> SortedFiles() const;
  std::vector<std::string> StagedFiles() const;

  static constexpr std::size_t kVersionBytes = 192;

  TempDir temporary_;
  std::string current_ = temporary_ / "state";
  int crashes_ = 0;
  checkpoint::FileSystemPtr files_;  ///< What Open opens on; null: the machine's own.
  StateKey key_;                     ///< What Open opens with.
  std::unique_ptr<CheckpointStore> store_;
};

/// Names and bytes of all files under a directory, one text.
std::string ImageOf(const std::string& directory);
/// Changes one bit of a file.
void Flip(const std::string& path, std::uint64_t offset);
void Truncate(const std::string& path, std::uint64_t size);
std::uint64_t SizeOf(const std::string& path);
/// Where the text begins in the file; fails the test if it is not there.
std::uint64_t Find(const std::string& path, std::string_view text);

}  // namespace muster
