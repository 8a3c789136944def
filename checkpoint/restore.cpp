#include "checkpoint/restore.h"

#include <rocksdb/file_system.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "checkpoint/copy_version.h"
#include "checkpoint/internal/files.h"
#include "checkpoint/internal/paths.h"
#include "checkpoint/internal/restore.h"
#include "checkpoint/mirror.h"
#include "checkpoint/mirror_files.h"
#include "checkpoint/verify.h"
#include "common/file.h"
#include "model/job.h"

namespace muster {
namespace checkpoint {
namespace {

constexpr mode_t kStateDirMode = 0700;

/// What a restore moves into the state directory. FORMAT and the database say that there is a
/// state; the others are parts of one.
constexpr std::array kEntries = {"FORMAT",        "db",    "witness",         "stage",
                                 "keys",          "spool", "coordinator.key", "coordinator.pub",
                                 "endpoints.json"};

Result<std::vector<std::string>> NamesIn(rocksdb::FileSystem& files, const std::string& path) {
  std::vector<std::string> names;
  const rocksdb::IOStatus listed = files.GetChildren(path, {}, &names, nullptr);
  if (!listed.ok()) return ErrorOf(listed, "list " + path);
  std::erase_if(names, [](const std::string& name) { return name == "." || name == ".."; });
  return names;
}

/// A file, or a directory with all that it holds; success if there is none.
Status RemoveTree(rocksdb::FileSystem& files, const std::string& path) {
  auto exists = FileExists(files, path);
  MUSTER_TRY(exists);
  if (!*exists) return {};
  bool is_directory = false;
  rocksdb::IOStatus status = files.IsDirectory(path, {}, &is_directory, nullptr);
  if (!status.ok()) return ErrorOf(status, "look at " + path);
  if (is_directory) {
    auto names = NamesIn(files, path);
    MUSTER_TRY(names);
    for (const std::string& name : *names) MUSTER_TRY(RemoveTree(files, path + "/" + name));
  }
  status = is_directory ? files.DeleteDir(path, {}, nullptr) : files.DeleteFile(path, {}, nullptr);
  return status.ok() ? Status() : Status(ErrorOf(status, "remove " + path));
}

class Restorer {
 public:
  Restorer(FileSystemPtr files, const RestoreOrder& order,
           const std::function<void(Version)>& progress)
      : files_(std::move(files)),
        order_(order),
        progress_(progress),
        staging_(RestoringPath(order.state_dir)) {}

  Result<Restored> Run() {
    auto mirror = OpenMirror();
    MUSTER_TRY(mirror);
    MUSTER_TRY(VerifyState(**mirror, nullptr, progress_));
    MUSTER_TRY(Clear());
    MUSTER_TRY(MakeDirectory(*files_, order_.state_dir, staging_));
    MUSTER_TRY(CopyState(**mirror));
    MUSTER_TRY(BeginLineage());
    MUSTER_TRY(CopyIdentityFiles(order_.mirror_dir, staging_));
    MUSTER_TRY(MoveUp());
    return restored_;
  }

 private:
  Result<std::unique_ptr<CheckpointStore>> OpenMirror() {
    auto lock = FileLock::Acquire(LockPath(order_.mirror_dir));
    if (lock) {
      mirror_lock_.emplace(std::move(*lock));
    } else if (lock.error().reason == Reason::state_in_use) {
      return Error{Reason::state_in_use,
                   "a coordinator copies to this mirror at present: " + lock.error().message};
    }  // A volume that cannot be written is as good to read from.
    auto mirror = OpenCheckpointStoreOn(files_, order_.mirror_dir, OpenMode::read_only,
                                        Upkeep::automatic, order_.key);
    MUSTER_TRY(mirror);
    const RecoveredState& state = (*mirror)->recovered();
    if (!state.head || !state.job || state.lineages.empty()) {
      return Error{Reason::not_found, order_.mirror_dir + " holds no version yet"};
    }
    auto job = DecodeJob(state.job->job);
    if (!job) return Error{Reason::damage, "the job in the mirror: " + job.error().message};
    restored_.job = job->name;
    restored_.newest = state.head->version;
    restored_.announced = ReadAnnounced(order_.mirror_dir);
    return mirror;
  }

  /// Makes sure that nothing is overwritten but what a restore left that did not finish.
  Status Clear() {
    MUSTER_TRY(MakeDirectories(order_.state_dir, kStateDirMode));
    auto lock = FileLock::Acquire(LockPath(order_.state_dir));
    MUSTER_TRY(lock);
    state_lock_.emplace(std::move(*lock));
    auto unfinished = FileExists(*files_, staging_);
    MUSTER_TRY(unfinished);
    for (const char* const name : kEntries) {
      const std::string path = order_.state_dir + "/" + name;
      if (*unfinished) {
        MUSTER_TRY(RemoveTree(*files_, path));
        continue;
      }
      auto exists = FileExists(*files_, path);
      MUSTER_TRY(exists);
      if (!*exists) continue;
      return Error{Reason::already_exists,
                   path +
                       " is there: a restore overwrites nothing. Move the state away, or name "
                       "another --state-dir"};
    }
    return RemoveTree(*files_, staging_);
  }

  Status CopyState(CheckpointStore& mirror) {
    auto copy = OpenCheckpointStoreOn(files_, staging_, OpenMode::create_or_open, Upkeep::automatic,
                                      order_.key);
    MUSTER_TRY(copy);
    constexpr RetentionPolicy kKeepAll = {0, 0};
    auto synced = SyncMirror(mirror, **copy, kKeepAll, [] { return Status(); });
    MUSTER_TRY(synced);
    restored_.held = synced->versions;
    return {};
  }

  Status BeginLineage() {
    auto store = OpenCheckpointStoreOn(files_, staging_, OpenMode::create_or_open,
                                       Upkeep::automatic, order_.key);
    MUSTER_TRY(store);
    const CopyOrder copy{
        restored_.newest,
        NextLineage((*store)->recovered().lineages, restored_.newest, order_.nonce),
        restored_.announced.value_or(0)};
    auto record = CommitCopy(**store, copy);
    MUSTER_TRY(record);
    restored_.copy = std::move(*record);
    return {};
  }

  /// The state is one when the last name is gone from below.
  Status MoveUp() {
    for (const char* const name : kEntries) {
      const std::string from = staging_ + "/" + name;
      auto exists = FileExists(*files_, from);
      MUSTER_TRY(exists);
      if (!*exists) continue;
      const std::string to = order_.state_dir + "/" + name;
      const rocksdb::IOStatus moved = files_->RenameFile(from, to, {}, nullptr);
      if (!moved.ok()) return ErrorOf(moved, "move " + from + " to " + to);
    }
    MUSTER_TRY(SyncDirectory(*files_, order_.state_dir));
    MUSTER_TRY(SyncDirectory(*files_, staging_));
    MUSTER_TRY(RemoveFile(LockPath(staging_)));
    MUSTER_TRY(RemoveTree(*files_, staging_));
    return SyncDirectory(*files_, order_.state_dir);
  }

  const FileSystemPtr files_;
  const RestoreOrder& order_;
  const std::function<void(Version)>& progress_;
  const std::string staging_;
  std::optional<FileLock> mirror_lock_;
  std::optional<FileLock> state_lock_;
  Restored restored_;
};

}  // namespace

Result<Restored> RestoreStateOn(FileSystemPtr files, const RestoreOrder& order,
                                const std::function<void(Version)>& progress) {
  return Restorer(std::move(files), order, progress).Run();
}

}  // namespace checkpoint

Result<Restored> RestoreState(const RestoreOrder& order,
                              const std::function<void(Version)>& progress) {
  return checkpoint::RestoreStateOn(rocksdb::FileSystem::Default(), order, progress);
}

}  // namespace muster
