#include "simulator/disk/virtual_disk.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "simulator/disk/disk_state.h"

namespace muster::simulator {

std::string_view DiskOperationName(DiskOperation operation) {
  switch (operation) {
    case DiskOperation::create:
      return "create";
    case DiskOperation::write:
      return "write";
    case DiskOperation::truncate:
      return "truncate";
    case DiskOperation::allocate:
      return "allocate";
    case DiskOperation::sync:
      return "sync";
    case DiskOperation::range_sync:
      return "range_sync";
    case DiskOperation::close:
      return "close";
    case DiskOperation::rename:
      return "rename";
    case DiskOperation::link:
      return "link";
    case DiskOperation::remove:
      return "remove";
    case DiskOperation::make_directory:
      return "make_directory";
    case DiskOperation::remove_directory:
      return "remove_directory";
    case DiskOperation::sync_directory:
      return "sync_directory";
  }
  return "unknown";
}

VirtualDisk::VirtualDisk(std::uint64_t seed) : state_(std::make_unique<State>(seed)) {
  state_->root = std::make_shared<Inode>();
  state_->root->is_directory = true;
  state_->directories[state_->root];
}
VirtualDisk::~VirtualDisk() = default;

// --- What may go wrong
// -----------------------------------------------------------------------------

void VirtualDisk::SetPlan(std::function<Verdict(const PlannedOperation&)> plan) {
  const std::lock_guard guard(mutex_);
  state_->plan = std::move(plan);
}

void VirtualDisk::SetUnsynced(Unsynced unsynced) {
  const std::lock_guard guard(mutex_);
  state_->unsynced = unsynced;
}

void VirtualDisk::CutPower(Unsynced unsynced) {
  const std::lock_guard guard(mutex_);
  if (state_->powered) state_->Cut(unsynced);
}

void VirtualDisk::Restart() {
  const std::lock_guard guard(mutex_);
  if (state_->powered) state_->Cut(Unsynced::kept);
  state_->powered = true;
}

bool VirtualDisk::powered() const {
  const std::lock_guard guard(mutex_);
  return state_->powered;
}
VirtualDisk::Life VirtualDisk::life() const {
  const std::lock_guard guard(mutex_);
  return state_->life;
}
std::uint64_t VirtualDisk::operation_count() const {
  const std::lock_guard guard(mutex_);
  return state_->operations;
}
void VirtualDisk::SetCapacity(std::uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  state_->capacity = bytes;
}
std::uint64_t VirtualDisk::free_bytes() const {
  const std::lock_guard guard(mutex_);
  if (state_->capacity == UINT64_MAX) return UINT64_MAX / 2;
  const std::uint64_t used = state_->Used();
  return used < state_->capacity ? state_->capacity - used : 0;
}
std::uint64_t VirtualDisk::written_bytes() const {
  const std::lock_guard guard(mutex_);
  return state_->written;
}
std::uint64_t VirtualDisk::sync_count() const {
  const std::lock_guard guard(mutex_);
  return state_->syncs;
}

void VirtualDisk::FlipBit(const std::string& path, std::uint64_t bit) {
  const std::lock_guard guard(mutex_);
  const InodePtr inode = state_->Find(Normal(path));
  MUSTER_CHECK(inode != nullptr && bit / 8 < inode->now.size(), "a bit that is not there");
  const auto mask = static_cast<std::byte>(1U << (bit % 8));
  inode->now[bit / 8] ^= mask;
  if (bit / 8 < inode->durable.size()) inode->durable[bit / 8] ^= mask;
}

void VirtualDisk::TruncateDurably(const std::string& path, std::uint64_t size) {
  const std::lock_guard guard(mutex_);
  const InodePtr inode = state_->Find(Normal(path));
  MUSTER_CHECK(inode != nullptr && size <= inode->now.size(), "a file that is not that long");
  State::Settle(inode, inode->pending.size());
  inode->now.resize(size);
  inode->durable.resize(size);
}

void VirtualDisk::MakeDurableDirectory(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    const DiskError made = MakeDirectory(life(), part);
    MUSTER_CHECK(made == DiskError::none || made == DiskError::exists, "the disk has power");
    MUSTER_CHECK(SyncDirectory(life(), ParentOf(part)) == DiskError::none, "the disk has power");
    if (end == std::string::npos) return;
  }
}

std::map<std::string, std::uint64_t> VirtualDisk::Files() const {
  const std::lock_guard guard(mutex_);
  std::map<std::string, std::uint64_t> files;
  std::vector<std::pair<std::string, InodePtr>> open = {{"", state_->root}};
  while (!open.empty()) {
    const auto [prefix, inode] = std::move(open.back());
    open.pop_back();
    for (const auto& [name, entry] : state_->directories.at(inode).now) {
      const std::string path = prefix + "/" + name;
      if (entry->is_directory) {
        open.emplace_back(path, entry);
      } else {
        files.emplace(path, entry->now.size());
      }
    }
  }
  return files;
}

// --- Operations
// ------------------------------------------------------------------------------------

DiskError VirtualDisk::OpenFile(Life life, const std::string& raw, Open mode, InodePtr* inode) {
  const std::lock_guard guard(mutex_);
  if (!state_->IsAlive(life)) return DiskError::power_off;
  const std::string path = Normal(raw);
  *inode = state_->Find(path);
  if (*inode != nullptr && (*inode)->is_directory) return DiskError::input_output;
  if (mode == Open::existing) return *inode == nullptr ? DiskError::not_found : DiskError::none;
  if (mode == Open::create && *inode != nullptr) return DiskError::none;
  Directory* const parent = state_->FindDirectory(ParentOf(path));
  if (parent == nullptr) return DiskError::not_found;
  return state_->Perform(life, DiskOperation::create, path, [&](Part part) {
    if (part != Part::whole) return;
    *inode = std::make_shared<Inode>();
    State::Change(parent, {.removed = "", .added = NameIn(path), .inode = *inode});
  });
}

DiskError VirtualDisk::Write(Life life, const std::string& path, const InodePtr& inode,
                             std::uint64_t offset, ByteSpan bytes) {
  const std::lock_guard guard(mutex_);
  if (!state_->HasRoom(inode, offset + bytes.size())) return DiskError::no_space;
  return state_->Perform(life, DiskOperation::write, path, [&](Part part) {
    const bool sector = IsAtomic({offset, Bytes(bytes.begin(), bytes.end()), std::nullopt});
    if (part == Part::torn && sector) return;
    const ByteSpan done = part != Part::whole ? bytes.first(bytes.size() / 2) : bytes;
    state_->written += done.size();
    State::Change(inode, {offset, Bytes(done.begin(), done.end()), std::nullopt});
    // A torn write reached the disk as far as it came, whatever becomes of those before it.
    if (part == Part::torn) Apply(inode->pending.back(), &inode->durable);
  });
}

DiskError VirtualDisk::Append(Life life, const std::string& path, const InodePtr& inode,
                              ByteSpan bytes) {
  std::uint64_t size = 0;
  const DiskError error = Size(life, inode, &size);
  return error == DiskError::none ? Write(life, path, inode, size, bytes) : error;
}

DiskError VirtualDisk::Truncate(Life life, const std::string& path, const InodePtr& inode,
                                std::uint64_t size) {
  const std::lock_guard guard(mutex_);
  if (!state_->HasRoom(inode, size)) return DiskError::no_space;
  return state_->Perform(life, DiskOperation::truncate, path, [&](Part part) {
    if (part == Part::whole) State::Change(inode, {0, {}, size});
  });
}

// Room alone changes no byte and no size, so there is nothing to forget.
DiskError VirtualDisk::Allocate(Life life, const std::string& path, const InodePtr& inode,
                                std::uint64_t end) {
  const std::lock_guard guard(mutex_);
  if (!state_->HasRoom(inode, end)) return DiskError::no_space;
  return state_->Perform(life, DiskOperation::allocate, path, [](Part) {});
}

DiskError VirtualDisk::Sync(Life life, const std::string& path, const InodePtr& inode,
                            DiskOperation how) {
  const std::lock_guard guard(mutex_);
  return state_->Perform(life, how, path, [&](Part part) {
    // Early write-back promises nothing.
    if (how == DiskOperation::range_sync) return;
    state_->syncs += part == Part::whole ? 1 : 0;
    State::Settle(inode, part != Part::whole ? inode->pending.size() / 2 : inode->pending.size());
  });
}

DiskError VirtualDisk::Close(Life life, const std::string& path) {
  const std::lock_guard guard(mutex_);
  return state_->Perform(life, DiskOperation::close, path, [](Part) {});
}

DiskError VirtualDisk::Read(Life life, const InodePtr& inode, std::uint64_t offset,
                            std::uint64_t bytes, Bytes* result) const {
  const std::lock_guard guard(mutex_);
  if (!state_->IsAlive(life)) return DiskError::power_off;
  const std::uint64_t begin = std::min<std::uint64_t>(offset, inode->now.size());
  const std::uint64_t end = begin + std::min<std::uint64_t>(bytes, inode->now.size() - begin);
  result->assign(inode->now.begin() + static_cast<std::ptrdiff_t>(begin),
                 inode->now.begin() + static_cast<std::ptrdiff_t>(end));
  return DiskError::none;
}

DiskError VirtualDisk::Size(Life life, const InodePtr& inode, std::uint64_t* bytes) const {
  const std::lock_guard guard(mutex_);
  if (!state_->IsAlive(life)) return DiskError::power_off;
  *bytes = inode->now.size();
  return DiskError::none;
}

DiskError VirtualDisk::LinkCount(Life life, const std::string& path, std::uint64_t* count) const {
  const std::lock_guard guard(mutex_);
  if (!state_->IsAlive(life)) return DiskError::power_off;
  const InodePtr inode = state_->Find(Normal(path));
  if (inode == nullptr) return DiskError::not_found;
  *count = 0;
  for (const auto& [owner, directory] : state_->directories) {
    for (const auto& [name, entry] : directory.now) *count += entry == inode ? 1 : 0;
  }
  return DiskError::none;
}

DiskError VirtualDisk::Rename(Life life, const std::string& raw_from, const std::string& raw_to) {
  const std::lock_guard guard(mutex_);
  const std::string from = Normal(raw_from);
  const std::string to = Normal(raw_to);
  const InodePtr inode = state_->Find(from);
  if (inode == nullptr) return DiskError::not_found;
  Directory* const parent = state_->FindDirectory(ParentOf(from));
  Directory* const target = state_->FindDirectory(ParentOf(to));
  if (target == nullptr) return DiskError::not_found;
  return state_->Perform(life, DiskOperation::rename, to, [&](Part part) {
    if (part != Part::whole) return;
    if (parent == target) return State::Change(parent, {NameIn(from), NameIn(to), inode});
    State::Change(target, {.removed = "", .added = NameIn(to), .inode = inode});
    State::Change(parent, {.removed = NameIn(from), .added = "", .inode = nullptr});
  });
}

DiskError VirtualDisk::Link(Life life, const std::string& raw_from, const std::string& raw_to) {
  const std::lock_guard guard(mutex_);
  const std::string to = Normal(raw_to);
  const InodePtr inode = state_->Find(Normal(raw_from));
  Directory* const parent = state_->FindDirectory(ParentOf(to));
  if (inode == nullptr || parent == nullptr) return DiskError::not_found;
  if (parent->now.contains(NameIn(to))) return DiskError::exists;
  return state_->Perform(life, DiskOperation::link, to, [&](Part part) {
    if (part == Part::whole)
      State::Change(parent, {.removed = "", .added = NameIn(to), .inode = inode});
  });
}

DiskError VirtualDisk::Remove(Life life, const std::string& raw) {
  const std::lock_guard guard(mutex_);
  const std::string path = Normal(raw);
  const InodePtr inode = state_->Find(path);
  if (inode == nullptr) return DiskError::not_found;
  if (inode->is_directory) return DiskError::input_output;
  Directory* const parent = state_->FindDirectory(ParentOf(path));
  return state_->Perform(life, DiskOperation::remove, path, [&](Part part) {
    if (part == Part::whole)
      State::Change(parent, {.removed = NameIn(path), .added = "", .inode = nullptr});
  });
}

DiskError VirtualDisk::MakeDirectory(Life life, const std::string& raw) {
  const std::lock_guard guard(mutex_);
  const std::string path = Normal(raw);
  if (state_->Find(path) != nullptr) return DiskError::exists;
  Directory* const parent = state_->FindDirectory(ParentOf(path));
  if (parent == nullptr) return DiskError::not_found;
  return state_->Perform(life, DiskOperation::make_directory, path, [&](Part part) {
    if (part != Part::whole) return;
    const InodePtr inode = std::make_shared<Inode>();
    inode->is_directory = true;
    State::Change(parent, {.removed = "", .added = NameIn(path), .inode = inode});
    state_->directories[inode];
  });
}

DiskError VirtualDisk::RemoveDirectory(Life life, const std::string& raw) {
  const std::lock_guard guard(mutex_);
  const std::string path = Normal(raw);
  Directory* const directory = state_->FindDirectory(path);
  if (directory == nullptr) return DiskError::not_found;
  if (!directory->now.empty() || path == "/") return DiskError::input_output;
  Directory* const parent = state_->FindDirectory(ParentOf(path));
  return state_->Perform(life, DiskOperation::remove_directory, path, [&](Part part) {
    if (part == Part::whole)
      State::Change(parent, {.removed = NameIn(path), .added = "", .inode = nullptr});
  });
}

DiskError VirtualDisk::SyncDirectory(Life life, const std::string& raw) {
  const std::lock_guard guard(mutex_);
  const std::string path = Normal(raw);
  Directory* const directory = state_->FindDirectory(path);
  if (directory == nullptr) return DiskError::not_found;
  return state_->Perform(life, DiskOperation::sync_directory, path, [&](Part part) {
    state_->syncs += part == Part::whole ? 1 : 0;
    const std::size_t all = directory->pending.size();
    State::Settle(directory, part != Part::whole ? all / 2 : all);
  });
}

DiskError VirtualDisk::List(Life life, const std::string& path,
                            std::vector<std::string>* names) const {
  const std::lock_guard guard(mutex_);
  if (!state_->IsAlive(life)) return DiskError::power_off;
  const Directory* const directory = state_->FindDirectory(Normal(path));
  if (directory == nullptr) return DiskError::not_found;
  names->clear();
  for (const auto& [name, inode] : directory->now) names->push_back(name);
  return DiskError::none;
}

DiskError VirtualDisk::Look(Life life, const std::string& path, bool* is_directory) const {
  const std::lock_guard guard(mutex_);
  if (!state_->IsAlive(life)) return DiskError::power_off;
  const InodePtr inode = state_->Find(Normal(path));
  if (inode == nullptr) return DiskError::not_found;
  *is_directory = inode->is_directory;
  return DiskError::none;
}

DiskError VirtualDisk::Lock(Life life, const std::string& path) {
  const std::lock_guard guard(mutex_);
  if (!state_->IsAlive(life)) return DiskError::power_off;
  return state_->locks.insert(Normal(path)).second ? DiskError::none : DiskError::exists;
}

void VirtualDisk::Unlock(Life life, const std::string& path) {
  const std::lock_guard guard(mutex_);
  if (life == state_->life) state_->locks.erase(Normal(path));
}

}  // namespace muster::simulator
