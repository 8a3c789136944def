#include "checkpoint/loss.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "checkpoint/copy_costs.h"
#include "checkpoint/copy_version.h"
#include "checkpoint/internal/damaged.h"
#include "checkpoint/internal/files.h"
#include "checkpoint/internal/loss_on.h"
#include "checkpoint/internal/paths.h"
#include "checkpoint/internal/spool_reader.h"
#include "checkpoint/internal/update_bytes.h"
#include "checkpoint/load.h"
#include "checkpoint/verify.h"
#include "common/file.h"
#include "common/text.h"

namespace muster {
namespace checkpoint {
namespace {

std::string Named(Version version) { return "version " + std::to_string(version); }

/// Reads a state that opened, piece by piece.
class Examination {
 public:
  Examination(const FileSystemPtr& files, const std::string& state_dir, const StateKey& key,
              const DamagedState& damaged)
      : files_(files),
        state_dir_(state_dir),
        key_(key),
        store_(*damaged.store),
        state_(store_.recovered()),
        log_damaged_(damaged.findings.log_damaged) {
    loss_.damage = damaged.findings.damage;
    loss_.new_lineage = log_damaged_ || damaged.findings.round_damaged;
    loss_.lost_batches = damaged.findings.batches_lost;
    if (!damaged.findings.unnamed.empty()) newest_lost_ = damaged.findings.unnamed.back();
  }

  Result<Loss> Run(Version told) {
    if (!state_.head || state_.lineages.empty()) {
      // Nobody trained anything yet: there is no version to go on from, and none to lose. What
      // lies around the log can be made again, what the log lost cannot.
      loss_.acceptable = !loss_.new_lineage;
      return std::move(loss_);
    }
    loss_.lineage = state_.lineages.back().id.number;
    loss_.head = std::max({state_.head->version, told, newest_lost_});
    for (const Version version : store_.HeldVersions()) MUSTER_TRY(ReadVersion(version));
    const auto head_whole = ReadHead();
    MUSTER_TRY(head_whole);
    const auto open_whole = ReadSpooled(state_.accepted);
    MUSTER_TRY(open_whole);
    loss_.new_lineage = loss_.new_lineage || !*head_whole || !*open_whole;
    if (*head_whole) good_.insert(state_.head->version);
    loss_.acceptable = !good_.empty();
    if (loss_.acceptable) loss_.good = *good_.rbegin();
    MUSTER_TRY(CountUpdates());
    return std::move(loss_);
  }

 private:
  /// What is gone is as lost as what is read wrong. A read that fails otherwise, as for want of
  /// descriptors or by a newer build's record, says nothing of what lies there.
  static bool IsLost(const Error& error) {
    return error.reason == Reason::damage || error.reason == Reason::not_found;
  }

  Status ReadVersion(Version version) {
    const auto read = VerifyVersion(store_, version);
    if (!read && !IsLost(read.error())) return read.error();
    if (read) {
      good_.insert(version);
      return {};
    }
    loss_.damaged.push_back(version);
    loss_.damage.push_back(read.error().message);
    return {};
  }

  /// Whether head is whole, or can be computed from what is.
  Result<bool> ReadHead() {
    const Version head = state_.head->version;
    if (std::ranges::count(loss_.damaged, head) > 0) return false;
    if (good_.contains(head) || state_.head->chunk_digests.empty()) return true;
    if (state_.unstored.empty() || !good_.contains(state_.last_record->parent)) {
      loss_.damage.push_back(Named(head) + " is not stored, nor is all that it follows from");
      return false;
    }
    return ReadSpooled(state_.unstored);
  }

  Result<bool> ReadSpooled(const std::vector<AcceptedUpdate>& updates) {
    if (updates.empty()) return true;
    const auto bytes = UpdateBytesOf(state_);
    MUSTER_TRY(bytes);
    auto spool = OpenSpoolToReadOn(files_, state_dir_, key_);
    const Status read = spool ? VerifySpooled(**spool, *bytes, updates) : Status(spool.error());
    if (!read && !IsLost(read.error())) return read.error();
    if (!read) loss_.damage.push_back(read.error().message);
    return read.has_value();
  }

  Status CountUpdates() {
    if (!loss_.new_lineage) return {};
    loss_.lost_updates = state_.accepted.size();
    loss_.lost_updates_exact = !log_damaged_ && loss_.head == state_.head->version;
    loss_.costs = CostsOfCopy(state_, loss_.good, loss_.head + 1);
    return store_.ForEachRoundRecord([this](const RoundRecord& record) -> Status {
      if (record.version > loss_.good) loss_.lost_updates += record.accepted.size();
      return {};
    });
  }

  const FileSystemPtr& files_;
  const std::string& state_dir_;
  const StateKey& key_;
  CheckpointStore& store_;
  const RecoveredState& state_;
  const bool log_damaged_;
  Version newest_lost_ = 0;  ///< The log lost its batch, and its chunks are there.
  std::set<Version> good_;
  Loss loss_;
};

/// A new lineage's first version.
Status GoOn(CheckpointStore& store, const Loss& loss, const LossOrder& order) {
  const std::vector<Version> held = store.HeldVersions();
  if (std::ranges::find(held, loss.good) == held.end()) MUSTER_TRY(order.store_head(store));
  const LineageRecord lineage =
      NextLineage(store.recovered().lineages, loss.good, order.lineage_nonce);
  const auto copy =
      CommitCopy(store, {.source = loss.good, .lineage = lineage, .above = loss.head});
  MUSTER_TRY(copy);
  return {};
}

Status Execute(const FileSystemPtr& files, const std::string& state_dir, const Loss& loss,
               const LossOrder& order, const StateKey& key, FileLock lock) {
  auto damaged = OpenDamagedToWrite(files, state_dir, key, Upkeep::automatic, std::move(lock));
  MUSTER_TRY(damaged);
  CheckpointStore& store = *damaged->store;
  if (loss.new_lineage) MUSTER_TRY(GoOn(store, loss, order));
  if (damaged->findings.format_damaged) {
    MUSTER_TRY(WriteFormat(*files, state_dir, damaged->findings.format));
  }
  // Not before the copy is durable: they tell which numbers were used. The newest first, as below.
  for (auto version = damaged->findings.unnamed.rbegin();
       version != damaged->findings.unnamed.rend(); ++version) {
    MUSTER_TRY(store.DropVersion(*version));
  }
  // From the newest on: looking whether anything is left of one reads what is above it.
  for (auto version = loss.damaged.rbegin(); version != loss.damaged.rend(); ++version) {
    MUSTER_TRY(store.DropVersion(*version));
  }
  return {};
}

}  // namespace

Result<Loss> AssessLossOn(const FileSystemPtr& files, const std::string& state_dir, Version told,
                          const StateKey& key) {
  const auto damaged = OpenDamagedToRead(files, state_dir, key);
  if (!damaged && damaged.error().reason == Reason::damage) {
    Loss loss;
    loss.acceptable = false;
    loss.damage.push_back(damaged.error().message);
    return loss;
  }
  MUSTER_TRY(damaged);
  return Examination(files, state_dir, key, *damaged).Run(told);
}

Result<Loss> AcceptLossOn(const FileSystemPtr& files, const std::string& state_dir,
                          const LossOrder& order, const StateKey& key) {
  // What is judged is what is changed. Without the lock for another reason it may be judged still.
  auto lock = FileLock::Acquire(LockPath(state_dir));
  if (!lock && lock.error().reason == Reason::state_in_use) return lock.error();
  auto loss = AssessLossOn(files, state_dir, order.told, key);
  if (!loss || loss->damage.empty()) return loss;
  if (!loss->acceptable) {
    return Error{Reason::damage, loss->damage.front() + "; " + LossText(*loss)};
  }
  MUSTER_TRY(lock);
  MUSTER_TRY(Execute(files, state_dir, *loss, order, key, std::move(*lock)));
  return loss;
}

}  // namespace checkpoint

Result<Loss> AssessLoss(const std::string& state_dir, Version told, const StateKey& key) {
  return checkpoint::AssessLossOn(rocksdb::FileSystem::Default(), state_dir, told, key);
}

Result<Loss> AcceptLoss(const std::string& state_dir, const LossOrder& order, const StateKey& key) {
  return checkpoint::AcceptLossOn(rocksdb::FileSystem::Default(), state_dir, order, key);
}

std::string LostUpdatesText(const Loss& loss) {
  return (loss.lost_updates_exact ? "" : "at least ") +
         Counted(loss.lost_updates, "accepted update");
}

std::string LossText(const Loss& loss) {
  if (loss.damage.empty()) return "";
  if (!loss.acceptable) {
    return "--accept-loss cannot help, for no version that is left can be trusted; start from "
           "another copy: `muster checkpoints restore --from MIRROR --state-dir NEW`";
  }
  std::string old;
  for (const Version version : loss.damaged) {
    old += (old.empty() ? "" : ", ") + std::to_string(version);
  }
  if (!loss.new_lineage) {
    return "the run loses nothing by it: --accept-loss mends the directory" +
           (old.empty() ? std::string() : " and removes the chunks of the versions " + old) +
           ", and goes on";
  }
  std::string text = "version " + std::to_string(loss.good) + " is good; --accept-loss goes on " +
                     "from it in lineage " + std::to_string(loss.lineage + 1) + ", and loses ";
  const std::uint64_t versions = loss.head - loss.good;
  text += versions == 0 ? "no version"
                        : Counted(versions, "version") + " (" + std::to_string(loss.good + 1) +
                              " to " + std::to_string(loss.head) + ")";
  text += ", " + LostUpdatesText(loss);
  if (loss.lost_batches > 0) {
    text += ", and " + Counted(loss.lost_batches, "synced write") + " that the log lost";
  }
  for (const std::string& cost : loss.costs) text += "; " + cost;
  return text +
         "; a mirror may have more: `muster checkpoints restore --from MIRROR --state-dir "
         "NEW`";
}

}  // namespace muster
