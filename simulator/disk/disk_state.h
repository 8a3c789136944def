// What a virtual disk holds: bytes and names as they are, as they are durable, and what lies
// between.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "simulator/disk/virtual_disk.h"

namespace muster::simulator {

/// How much of an operation is done.
enum class Part : std::uint8_t {
  whole,
  half,  ///< The first half, as far as anybody knows.
  torn,  ///< The first half, and that is durable.
};

/// A change of a file's bytes that no sync has covered yet.
struct ByteChange {
  std::uint64_t offset = 0;
  Bytes bytes;
  std::optional<std::uint64_t> size;  ///< A truncation or growth instead of a write.
};

/// A change of a directory's names that no sync has covered yet. A rename in one directory is one:
/// it happens as a whole or not at all. A rename to another is two, of which a crash may keep one.
struct NameChange {
  std::string removed;  ///< Empty: none.
  std::string added;    ///< Empty: none.
  VirtualDisk::InodePtr inode;
};

inline bool IsAtomic(const ByteChange& change) {
  const std::uint64_t end = change.offset + change.bytes.size();
  return change.bytes.empty() || change.offset / kSectorBytes == (end - 1) / kSectorBytes;
}

inline void Apply(const ByteChange& change, Bytes* bytes) {
  if (change.size) {
    bytes->resize(*change.size);
    return;
  }
  const std::uint64_t end = change.offset + change.bytes.size();
  if (end > bytes->size()) bytes->resize(end);
  std::ranges::copy(change.bytes, bytes->begin() + static_cast<std::ptrdiff_t>(change.offset));
}

inline std::string ParentOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}
inline std::string NameIn(const std::string& path) { return path.substr(path.rfind('/') + 1); }

inline std::string Normal(std::string path) {
  for (std::size_t at = path.find("//"); at != std::string::npos; at = path.find("//")) {
    path.erase(at, 1);
  }
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

struct VirtualDisk::Inode {
  Bytes now;
  Bytes durable;
  std::vector<ByteChange> pending;
  bool is_directory = false;
};

struct VirtualDisk::Directory {
  std::map<std::string, InodePtr> now;
  std::map<std::string, InodePtr> durable;
  std::vector<NameChange> pending;
};

/// All that the mutex guards.
struct VirtualDisk::State {
  explicit State(std::uint64_t seed) : random(seed, "disk", {}) {}

  KeyedStream random;
  std::function<Verdict(const PlannedOperation&)> plan;
  Unsynced unsynced = Unsynced::lost;
  bool powered = true;
  Life life = 1;
  std::uint64_t operations = 0, written = 0, syncs = 0;
  std::uint64_t capacity = UINT64_MAX;
  std::map<InodePtr, Directory> directories;
  InodePtr root;
  std::set<std::string> locks;

  /// Whether a process of this life can still reach the disk.
  bool IsAlive(Life of) const { return of == life && powered; }

  // --- Finding -----------------------------------------------------------------------------------
  InodePtr Find(const std::string& path) {
    if (path == "/") return root;
    Directory* const parent = FindDirectory(ParentOf(path));
    if (parent == nullptr) return nullptr;
    const auto found = parent->now.find(NameIn(path));
    return found == parent->now.end() ? nullptr : found->second;
  }
  Directory* FindDirectory(const std::string& path) {
    const InodePtr inode = Find(path);
    const auto found = directories.find(inode);
    return inode == nullptr || found == directories.end() ? nullptr : &found->second;
  }

  // --- Changing ----------------------------------------------------------------------------------
  static void Change(const InodePtr& inode, ByteChange change) {
    Apply(change, &inode->now);
    inode->pending.push_back(std::move(change));
  }
  static void Change(Directory* directory, NameChange change) {
    Do(change, &directory->now);
    directory->pending.push_back(std::move(change));
  }
  static void Do(const NameChange& change, std::map<std::string, InodePtr>* names) {
    if (!change.removed.empty()) names->erase(change.removed);
    if (!change.added.empty()) names->insert_or_assign(change.added, change.inode);
  }
  static void Settle(const InodePtr& inode, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) Apply(inode->pending[i], &inode->durable);
    inode->pending.erase(inode->pending.begin(),
                         inode->pending.begin() + static_cast<std::ptrdiff_t>(count));
  }
  static void Settle(Directory* directory, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) Do(directory->pending[i], &directory->durable);
    directory->pending.erase(directory->pending.begin(),
                             directory->pending.begin() + static_cast<std::ptrdiff_t>(count));
  }

  std::uint64_t Used() const {
    std::set<const Inode*> seen;
    std::uint64_t used = 0;
    for (const auto& [inode, directory] : directories) {
      for (const auto& [name, entry] : directory.now) {
        if (seen.insert(entry.get()).second) used += entry->now.size();
      }
    }
    return used;
  }
  bool HasRoom(const InodePtr& inode, std::uint64_t end) const {
    if (capacity == UINT64_MAX || end <= inode->now.size()) return true;
    return Used() + (end - inode->now.size()) <= capacity;
  }

  // --- The end -----------------------------------------------------------------------------------
  void LeaveBytes(const InodePtr& inode, Unsynced how) {
    for (ByteChange& change : inode->pending) {
      std::uint64_t fate = how == Unsynced::kept ? 0 : 1;
      if (how == Unsynced::mixed) fate = random.Below(3);
      if (fate == 1) continue;
      if (fate == 2 && IsAtomic(change)) continue;
      if (fate == 2) change.bytes.resize(random.Below(change.bytes.size() + 1));
      if (fate == 2 && change.bytes.empty()) continue;
      Apply(change, &inode->durable);
    }
    inode->pending.clear();
    inode->now = inode->durable;
  }
  void LeaveNames(Directory* directory, Unsynced how) {
    std::size_t kept = 0;
    if (how == Unsynced::kept) kept = directory->pending.size();
    if (how == Unsynced::mixed) kept = random.Below(directory->pending.size() + 1);
    Settle(directory, kept);
    directory->pending.clear();
    directory->now = directory->durable;
  }
  void Cut(Unsynced how) {
    powered = false;
    ++life;
    locks.clear();
    // In the order of paths, so that equal draws meet equal files.
    LeaveTree(root, how);
    std::erase_if(directories,
                  [this](const auto& entry) { return !reached.contains(entry.first); });
    reached.clear();
  }
  std::set<InodePtr> reached;
  void LeaveTree(const InodePtr& inode, Unsynced how) {
    Directory* const directory = &directories.at(inode);
    LeaveNames(directory, how);
    for (const auto& [name, entry] : directory->now) {
      if (!reached.insert(entry).second) continue;
      if (entry->is_directory) {
        LeaveTree(entry, how);
      } else {
        LeaveBytes(entry, how);
      }
    }
    reached.insert(inode);
  }

  // --- The plan ----------------------------------------------------------------------------------
  /// Counts an operation, does it or not as the plan says. What cannot be parted does nothing for a
  /// part.
  template <typename Act>
  DiskError Perform(Life of, DiskOperation operation, const std::string& path, Act act) {
    if (!IsAlive(of)) return DiskError::power_off;
    ++operations;
    const Verdict verdict = plan ? plan({operations, operation, path}) : Verdict::done;
    switch (verdict) {
      case Verdict::done:
        act(Part::whole);
        return DiskError::none;
      case Verdict::fails:
        return DiskError::input_output;
      case Verdict::no_space:
        if (operation == DiskOperation::write) act(Part::half);
        return DiskError::no_space;
      case Verdict::lies:
        return DiskError::none;
      case Verdict::cut_before:
        break;
      case Verdict::cut_torn:
        act(Part::torn);
        break;
      case Verdict::cut_after:
        act(Part::whole);
        break;
    }
    Cut(unsynced);
    return DiskError::power_off;
  }
};

}  // namespace muster::simulator
