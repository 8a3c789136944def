#include "checkpoint/internal/damaged.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "checkpoint/internal/database.h"
#include "checkpoint/internal/files.h"
#include "checkpoint/internal/paths.h"
#include "checkpoint/internal/recovery.h"
#include "checkpoint/internal/state_keys.h"
#include "checkpoint/internal/store_parts.h"
#include "checkpoint/internal/witness.h"

namespace muster::checkpoint {
namespace {

/// What lies around the database.
struct Surroundings {
  Findings findings;
  KeyRingPtr ring;
  std::optional<std::uint64_t> witnessed;
  bool unfinished = false;  ///< Nothing tells that a batch was ever written.
};

void FindInFormat(const Result<FormatFile>& format, const std::string& state_dir, bool encrypted,
                  Findings* findings) {
  findings->format = encrypted ? FormatFile::encrypted : FormatFile::plain;
  if (!format) {
    findings->damage.push_back(format.error().message);
  } else if (*format == FormatFile::missing) {
    findings->damage.push_back(FormatPath(state_dir) + " is gone from a state in use");
  } else if ((*format == FormatFile::encrypted) != encrypted) {
    findings->damage.push_back(FormatPath(state_dir) + " and " + KeysPath(state_dir) +
                               " contradict each other");
  } else {
    return;
  }
  findings->format_damaged = true;
}

Result<Surroundings> LookAround(const FileSystemPtr& files, const std::string& state_dir,
                                const StateKey& key) {
  MUSTER_TRY(CheckNotRestoring(*files, state_dir));
  const auto format = CheckFormat(*files, state_dir);
  if (!format && format.error().reason != Reason::damage) return format.error();
  const auto keys = FileExists(*files, KeysPath(state_dir));
  MUSTER_TRY(keys);
  const auto witnessed = Witness::Read(*files, WitnessPath(state_dir));
  if (!witnessed && witnessed.error().reason != Reason::damage) return witnessed.error();
  const auto current = FileExists(*files, DatabasePath(state_dir) + "/CURRENT");
  MUSTER_TRY(current);

  Surroundings around;
  around.unfinished =
      format && *format == FormatFile::missing && witnessed && witnessed->value_or(0) == 0;
  if (!*current) {
    if (around.unfinished)
      return Error{Reason::not_found, "there is no checkpoint in " + state_dir};
    return Error{Reason::damage, DatabasePath(state_dir) + "/CURRENT is gone"};
  }
  FindInFormat(format, state_dir, *keys, &around.findings);
  auto ring = OpenKeys(files, state_dir, *keys, key);
  MUSTER_TRY(ring);
  around.ring = std::move(*ring);
  if (!witnessed || !*witnessed) {
    around.findings.damage.push_back(witnessed ? WitnessPath(state_dir) + " is gone"
                                               : witnessed.error().message);
    around.findings.log_damaged = true;
  } else {
    around.witnessed = *witnessed;
  }
  return around;
}

Status FindInLog(const Database& database, const Surroundings& around, const std::string& state_dir,
                 Findings* findings) {
  const auto batch_number = ReadBatchNumber(database);
  MUSTER_TRY(batch_number);
  if (around.unfinished && *batch_number == 0) {
    return Error{Reason::not_found, "there is no checkpoint in " + state_dir};
  }
  findings->batch_number = *batch_number;
  const Status vouched = CheckAgainstWitness(*batch_number, around.witnessed, state_dir);
  if (vouched) return {};
  findings->damage.push_back(vouched.error().message);
  findings->log_damaged = true;
  findings->batches_lost = *around.witnessed - *batch_number;
  return {};
}

void FindInRound(const Database& database, const RecoveredState& state, Findings* findings) {
  const Status checked = CheckOpenRound(database, state);
  if (checked) return;
  findings->damage.push_back(checked.error().message);
  findings->round_damaged = true;
}

void FindUnnamed(const StoreIndex& index, Findings* findings) {
  if (!findings->log_damaged || !index.head) return;
  findings->unnamed.assign(index.stored.upper_bound(*index.head), index.stored.end());
}

bool IsDamage(const Result<std::shared_ptr<Database>>& database) {
  return !database && database.error().reason == Reason::damage;
}

}  // namespace

Result<DamagedState> OpenDamagedToRead(const FileSystemPtr& files, const std::string& state_dir,
                                       const StateKey& key) {
  auto around = LookAround(files, state_dir, key);
  MUSTER_TRY(around);
  const std::string path = DatabasePath(state_dir);
  auto database = Database::OpenForReading(files, path, around->ring, Trust::log_damaged);
  if (IsDamage(database)) {
    database = Database::OpenForReading(files, path, around->ring, Trust::versions_damaged);
  }
  MUSTER_TRY(database);
  MUSTER_TRY(FindInLog(**database, *around, state_dir, &around->findings));
  auto recovery = Recover(**database);
  MUSTER_TRY(recovery);
  FindInRound(**database, recovery->state, &around->findings);
  FindUnnamed(recovery->index, &around->findings);
  return DamagedState{MakeStore({files, state_dir, std::nullopt, *database, *database, nullptr,
                                 std::move(*recovery)}),
                      std::move(around->findings)};
}

Result<DamagedState> OpenDamagedToWrite(const FileSystemPtr& files, const std::string& state_dir,
                                        const StateKey& key, Upkeep upkeep, FileLock lock) {
  auto around = LookAround(files, state_dir, key);
  MUSTER_TRY(around);
  const std::string path = DatabasePath(state_dir);
  auto database = Database::OpenForWriting(files, path, upkeep, around->ring, Trust::log_damaged);
  if (IsDamage(database)) {
    database = Database::OpenForWriting(files, path, upkeep, around->ring, Trust::versions_damaged);
  }
  MUSTER_TRY(database);
  MUSTER_TRY(FindInLog(**database, *around, state_dir, &around->findings));
  auto recovery = Recover(**database);
  MUSTER_TRY(recovery);
  StoreIndex& index = recovery->index;
  MUSTER_TRY(MakeDirectory(*files, state_dir, StagePath(state_dir)));
  MUSTER_TRY(RemoveFilesIn(*files, StagePath(state_dir)));
  FindInRound(**database, recovery->state, &around->findings);
  FindUnnamed(index, &around->findings);
  if (around->findings.unnamed.empty()) {
    MUSTER_TRY((*database)->RemoveVersions(index.head ? *index.head + 1 : 0, UINT64_MAX));
    std::erase_if(index.stored, [&](Version version) { return version > index.head; });
  }
  if (around->findings.log_damaged) {
    // Vouches for the batch to come. Until that is there, the log ends before the witness: damage.
    index.batch_number = std::max(index.batch_number, around->witnessed.value_or(0));
    MUSTER_TRY(Witness::Create(*files, state_dir, WitnessPath(state_dir), index.batch_number + 1));
  }
  auto witness = Witness::Open(*files, WitnessPath(state_dir));
  MUSTER_TRY(witness);
  return DamagedState{MakeStore({files, state_dir, std::move(lock), *database, *database,
                                 std::move(*witness), std::move(*recovery)}),
                      std::move(around->findings)};
}

}  // namespace muster::checkpoint
