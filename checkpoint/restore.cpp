#include "checkpoint/restore.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <utility>

#include "checkpoint/copy_costs.h"
#include "checkpoint/copy_version.h"
#include "checkpoint/internal/damaged.h"
#include "checkpoint/internal/files.h"
#include "checkpoint/internal/paths.h"
#include "checkpoint/internal/restore.h"
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

Error Hopeless(const std::string& what) {
  return Error{Reason::damage,
               what +
                   ": this mirror cannot be restored from. Name another mirror or a backup of "
                   "the state with --from"};
}

/// Above what the mirror tells, and far above what it may not have heard of.
Result<std::uint32_t> LineageNumberAbove(std::uint32_t known) {
  if (known > std::numeric_limits<std::uint32_t>::max() - kRestoreLineageStep) {
    return Error{Reason::unsupported, "no number above that of lineage " + std::to_string(known) +
                                          " is left for the lineage of a restored state"};
  }
  return (known / kRestoreLineageStep + 1) * kRestoreLineageStep;
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
    MUSTER_TRY(Verify(**mirror));
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
    auto opened = OpenDamagedToRead(files_, order_.mirror_dir, order_.key);
    if (!opened && opened.error().reason == Reason::damage) return Hopeless(opened.error().message);
    MUSTER_TRY(opened);
    restored_.damage = std::move(opened->findings.damage);
    const RecoveredState& state = opened->store->recovered();
    if (!state.head || !state.job || state.lineages.empty()) {
      return Error{Reason::not_found, order_.mirror_dir + " holds no version yet"};
    }
    auto job = DecodeJob(state.job->job);
    if (!job) return Hopeless("the job in the mirror: " + job.error().message);
    restored_.job = job->name;
    announced_ = ReadAnnounced(order_.mirror_dir);
    if (announced_) restored_.announced = announced_->version;
    restored_.known = std::max(state.head->version, restored_.announced.value_or(0));
    // Where its log lost the batches, the chunks of a version tell that it was committed.
    const std::vector<Version>& unnamed = opened->findings.unnamed;
    if (!unnamed.empty()) restored_.known = std::max(restored_.known, unnamed.back());
    return std::move(opened->store);
  }

  Status Verify(CheckpointStore& mirror) {
    const auto records = VerifyRecords(mirror);
    if (!records && records.error().reason == Reason::damage) {
      return Hopeless(records.error().message);
    }
    MUSTER_TRY(records);
    std::optional<Version> newest;
    for (const Version version : mirror.HeldVersions()) {
      progress_(version);
      const auto read = VerifyVersion(mirror, version);
      if (read) {
        newest = version;
      } else if (read.error().reason == Reason::damage ||
                 read.error().reason == Reason::not_found) {
        restored_.damaged.emplace(version, read.error().message);
      } else {
        return read.error();
      }
    }
    if (!newest) {
      return Hopeless(
          "no version in " + order_.mirror_dir + " is whole" +
          (restored_.damaged.empty() ? std::string() : ": " + restored_.damaged.rbegin()->second));
    }
    restored_.newest = *newest;
    return {};
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
    auto synced = SyncMirror(
        mirror, **copy, kKeepAll, [] { return Status(); }, restored_.damaged);
    MUSTER_TRY(synced);
    if (synced->damaged.size() != restored_.damaged.size()) {
      return Hopeless("a version in " + order_.mirror_dir +
                      " was whole a moment ago and is not now");
    }
    restored_.held = synced->versions;
    return CopyLineages(mirror.recovered().lineages, **copy);
  }

  /// One whose every version is damaged came with none: its participants shall follow as well.
  static Status CopyLineages(const std::vector<LineageRecord>& lineages, CheckpointStore& copy) {
    auto copied = copy.ReadState();
    MUSTER_TRY(copied);
    Batch batch;
    for (const LineageRecord& lineage : lineages) {
      if (lineage.id.number <= copied->lineages.back().id.number) continue;
      batch.mutations.push_back(PutLineage{lineage});
    }
    return batch.mutations.empty() ? Status() : copy.Write(batch);
  }

  Status BeginLineage() {
    auto store = OpenCheckpointStoreOn(files_, staging_, OpenMode::create_or_open,
                                       Upkeep::automatic, order_.key);
    MUSTER_TRY(store);
    LineageRecord lineage =
        NextLineage((*store)->recovered().lineages, restored_.newest, order_.nonce);
    const std::uint32_t announced = announced_ ? announced_->lineage : 0;
    const auto number = LineageNumberAbove(std::max(lineage.parent_number, announced));
    MUSTER_TRY(number);
    lineage.id.number = *number;
    auto record = CommitCopy(**store, {restored_.newest, lineage, restored_.known});
    MUSTER_TRY(record);
    restored_.costs = CostsOfCopy((*store)->recovered(), restored_.newest, record->version);
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
  std::optional<Announced> announced_;
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
