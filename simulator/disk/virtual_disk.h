// A disk in memory that forgets: what was not synced may be gone, kept or torn after a power cut,
// bytes and names of files alike. No file system of its own: file_system.h puts RocksDB on it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/random.h"

namespace muster::simulator {

/// What changes a disk, or makes a change durable. Reads are none: they change nothing, so a crash
/// before or after one is a crash after the operation before it.
enum class DiskOperation : std::uint8_t {
  create,
  write,
  truncate,
  allocate,
  sync,
  range_sync,
  close,
  rename,
  link,
  remove,
  make_directory,
  remove_directory,
  sync_directory,
};
std::string_view DiskOperationName(DiskOperation operation);

/// One operation as the plan sees it, before it is done.
struct PlannedOperation {
  std::uint64_t number = 0;  ///< From 1, over the disk's life.
  DiskOperation operation = DiskOperation::create;
  std::string path;
};

enum class Verdict : std::uint8_t {
  done,
  fails,       ///< Nothing is done; an input/output error is reported.
  no_space,    ///< Of a write the first half is done.
  lies,        ///< Of a sync: nothing is done, and success is reported.
  cut_before,  ///< The power goes before the operation,
  cut_torn,    ///< in the middle: of a write a part is there, of a sync a part is durable,
  cut_after,   ///< after it, and nobody hears that it was done.
};

/// A write inside one sector is there or not; larger ones may be torn at any byte.
inline constexpr std::uint64_t kSectorBytes = 512;

/// What a power cut does to bytes and names that no sync covered. Of the names in one directory
/// only a suffix of the changes is ever lost: RocksDB relies on their order.
enum class Unsynced : std::uint8_t {
  lost,
  kept,   ///< All: the process died, not the machine.
  mixed,  ///< Each change of bytes is kept, lost or torn, in any order, by draw.
};

enum class DiskError : std::uint8_t { none, not_found, exists, input_output, no_space, power_off };

/// Thread-safe. Paths are absolute; the root directory is there and durable.
class VirtualDisk {
 public:
  struct Inode;
  using InodePtr = std::shared_ptr<Inode>;
  /// Counts the power cuts. What was opened in one life fails in the next.
  using Life = std::uint64_t;

  explicit VirtualDisk(std::uint64_t seed);
  ~VirtualDisk();

  // --- What may go wrong -------------------------------------------------------------------------
  /// Asked before every operation, one at a time. Empty: all is done. It must not call the disk.
  void SetPlan(std::function<Verdict(const PlannedOperation&)> plan);
  /// How a cut that the plan orders treats what is not synced.
  void SetUnsynced(Unsynced unsynced);
  /// A cut from outside. Everything fails until Restart.
  void CutPower(Unsynced unsynced);
  /// The disk holds what the cut left, and that is durable. A disk with power is cut first, keeping
  /// all: the end of a process without a crash.
  void Restart();
  bool powered() const;
  Life life() const;
  std::uint64_t operation_count() const;
  /// Writes beyond this answer no_space. Default: none.
  void SetCapacity(std::uint64_t bytes);
  std::uint64_t free_bytes() const;
  /// Bytes handed to writes so far, and syncs done: what a run costs.
  std::uint64_t written_bytes() const;
  std::uint64_t sync_count() const;
  /// REQUIRES: the file has that byte.
  void FlipBit(const std::string& path, std::uint64_t bit);
  void TruncateDurably(const std::string& path, std::uint64_t size);
  /// Directories from the root down to `path`, durable from the start. REQUIRES: no plan, power.
  void MakeDurableDirectory(const std::string& path);
  /// Every file, with its size; ascending by path.
  std::map<std::string, std::uint64_t> Files() const;

  // --- Operations, for the file system -----------------------------------------------------------
  /// `create`: an empty file if there is none; `empty`: and what is there is replaced.
  enum class Open : std::uint8_t { existing, create, empty };
  DiskError OpenFile(Life life, const std::string& path, Open mode, InodePtr* inode);
  DiskError Write(Life life, const std::string& path, const InodePtr& inode, std::uint64_t offset,
                  ByteSpan bytes);
  DiskError Append(Life life, const std::string& path, const InodePtr& inode, ByteSpan bytes);
  DiskError Truncate(Life life, const std::string& path, const InodePtr& inode, std::uint64_t size);
  DiskError Allocate(Life life, const std::string& path, const InodePtr& inode, std::uint64_t end);
  DiskError Sync(Life life, const std::string& path, const InodePtr& inode, DiskOperation how);
  DiskError Close(Life life, const std::string& path);
  /// As much as there is, up to `bytes`.
  DiskError Read(Life life, const InodePtr& inode, std::uint64_t offset, std::uint64_t bytes,
                 Bytes* result) const;
  DiskError Size(Life life, const InodePtr& inode, std::uint64_t* bytes) const;
  DiskError LinkCount(Life life, const std::string& path, std::uint64_t* count) const;
  DiskError Rename(Life life, const std::string& from, const std::string& to);
  DiskError Link(Life life, const std::string& from, const std::string& to);
  DiskError Remove(Life life, const std::string& path);
  DiskError MakeDirectory(Life life, const std::string& path);
  DiskError RemoveDirectory(Life life, const std::string& path);
  DiskError SyncDirectory(Life life, const std::string& path);
  DiskError List(Life life, const std::string& path, std::vector<std::string>* names) const;
  DiskError Look(Life life, const std::string& path, bool* is_directory) const;
  /// Until Unlock or the end of the life. Errors: exists (held).
  DiskError Lock(Life life, const std::string& path);
  void Unlock(Life life, const std::string& path);

 private:
  struct Directory;
  struct State;

  std::unique_ptr<State> state_;
  mutable std::mutex mutex_;
};

}  // namespace muster::simulator
