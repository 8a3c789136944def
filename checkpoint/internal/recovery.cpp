#include "checkpoint/internal/recovery.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/internal/keys.h"
#include "checkpoint/internal/paths.h"
#include "common/bytes.h"
#include "protocol/record_codec.h"

namespace muster::checkpoint {
namespace {

Error DamagedKey(const Database& database, Family family, std::string_view key,
                 std::string_view what) {
  return Error{Reason::damage, "key " + KeyText(key) + " of " + std::string(FamilyName(family)) +
                                   " in " + database.path() + ": " + std::string(what)};
}

template <typename Record>
Result<Record> Decode(const Database& database, Family family, std::string_view key,
                      ByteSpan value) {
  auto record = DecodeRecord<Record>(value);
  if (record) return record;
  Error error = DamagedKey(database, family, key, record.error().message);
  if (record.error().reason == Reason::unsupported) error.reason = Reason::unsupported;
  return error;
}

template <typename Record>
Result<std::optional<Record>> ReadOne(const Database& database, Family family,
                                      std::string_view key) {
  auto value = database.Get(family, key);
  MUSTER_TRY(value);
  if (!*value) return std::optional<Record>();
  auto record = Decode<Record>(database, family, key, AsBytes(**value));
  MUSTER_TRY(record);
  return std::optional<Record>(std::move(*record));
}

template <typename Record>
Result<std::vector<Record>> ReadAll(const Database& database, Family family,
                                    std::string_view prefix) {
  std::vector<Record> records;
  const auto keep = [&](std::string_view key, ByteSpan value) -> Status {
    auto record = Decode<Record>(database, family, key, value);
    MUSTER_TRY(record);
    records.push_back(std::move(*record));
    return {};
  };
  MUSTER_TRY(database.ForEach(family, prefix, keep));
  return records;
}

Result<std::optional<std::uint64_t>> ReadNumber(const Database& database, std::string_view key) {
  auto value = database.Get(Family::meta, key);
  MUSTER_TRY(value);
  if (!*value) return std::optional<std::uint64_t>();
  if ((*value)->size() != sizeof(std::uint64_t)) {
    return DamagedKey(database, Family::meta, key, "not a number of 8 bytes");
  }
  return std::optional(LoadLittle<std::uint64_t>(AsBytes(**value), 0));
}

// The lists of the state: what ForEach gives in the order that RecoveredState promises.
Status ReadLists(const Database& database, RecoveredState* state) {
  auto past_epochs = ReadAll<Epoch>(database, Family::meta, kPastEpochPrefix);
  MUSTER_TRY(past_epochs);
  auto lineages = ReadAll<LineageRecord>(database, Family::meta, kLineagePrefix);
  MUSTER_TRY(lineages);
  auto roster = ReadAll<RosterEntry>(database, Family::meta, kRosterPrefix);
  MUSTER_TRY(roster);
  auto accepted = ReadAll<AcceptedUpdate>(database, Family::ledger, kAcceptedPrefix);
  MUSTER_TRY(accepted);
  auto fates = ReadAll<UpdateFate>(database, Family::ledger, kFatePrefix);
  MUSTER_TRY(fates);
  auto evaluations = ReadAll<EvaluationRecord>(database, Family::rounds, kEvaluationPrefix);
  MUSTER_TRY(evaluations);
  state->past_epochs = std::move(*past_epochs);
  state->lineages = std::move(*lineages);
  state->roster = std::move(*roster);
  state->accepted = std::move(*accepted);
  state->fates = std::move(*fates);
  state->evaluations = std::move(*evaluations);
  return {};
}

Status ReadSingles(const Database& database, RecoveredState* state) {
  auto job = ReadOne<JobRecord>(database, Family::meta, kJobKey);
  MUSTER_TRY(job);
  auto epoch = ReadOne<EpochRecord>(database, Family::meta, kEpochKey);
  MUSTER_TRY(epoch);
  auto finish = ReadOne<FinishRecord>(database, Family::meta, kFinishKey);
  MUSTER_TRY(finish);
  auto open_round = ReadOne<OpenRound>(database, Family::ledger, kOpenRoundKey);
  MUSTER_TRY(open_round);
  state->job = std::move(*job);
  state->epoch = epoch->value_or(EpochRecord{});
  state->finish = *finish;
  state->open_round = std::move(*open_round);
  return {};
}

Status ReadHead(const Database& database, Version head, RecoveredState* state) {
  auto manifest = ReadManifestOf(database, head);
  if (!manifest && manifest.error().reason == Reason::not_found) {
    return DamagedKey(database, Family::rounds, ManifestKey(head), "head has no manifest");
  }
  MUSTER_TRY(manifest);
  state->head = std::move(*manifest);
  auto record = ReadRecordOf(database, head);
  if (!record && record.error().reason == Reason::not_found) return {};
  MUSTER_TRY(record);
  state->last_record = std::move(*record);
  return {};
}

Status ReadVersions(const Database& database, std::set<Version>* versions) {
  return database.ForEach(Family::rounds, kManifestPrefix,
                          [&](std::string_view key, ByteSpan /*value*/) -> Status {
                            const auto version = VersionOfKey(key, kManifestPrefix);
                            if (!version) {
                              return DamagedKey(database, Family::rounds, key, "names no version");
                            }
                            versions->insert(*version);
                            return {};
                          });
}

}  // namespace

Result<RecoveredState> ReadStateOf(const Database& database) {
  RecoveredState state;
  MUSTER_TRY(ReadSingles(database, &state));
  MUSTER_TRY(ReadLists(database, &state));
  auto head = ReadNumber(database, kHeadKey);
  MUSTER_TRY(head);
  if (*head) MUSTER_TRY(ReadHead(database, **head, &state));
  return state;
}

Result<Recovery> Recover(const Database& database) {
  Recovery recovery;
  auto batch_number = ReadBatchNumber(database);
  MUSTER_TRY(batch_number);
  recovery.index.batch_number = *batch_number;
  auto state = ReadStateOf(database);
  MUSTER_TRY(state);
  recovery.state = std::move(*state);
  if (recovery.state.head) recovery.index.head = recovery.state.head->version;
  MUSTER_TRY(ReadVersions(database, &recovery.index.versions));
  auto stored = database.StoredVersions();
  MUSTER_TRY(stored);
  recovery.index.stored.insert(stored->begin(), stored->end());
  for (const AcceptedUpdate& update : recovery.state.accepted) {
    recovery.index.accepted.emplace(update.id, update.counts_in);
  }
  SplitAccepted(&recovery.state);
  return recovery;
}

void SplitAccepted(RecoveredState* state) {
  const Round closed = state->last_record ? state->last_record->round : 0;
  const auto open = std::ranges::stable_partition(
      state->accepted,
      [closed](const AcceptedUpdate& update) { return update.counts_in <= closed; });
  state->unstored.assign(state->accepted.begin(), open.begin());
  state->accepted.erase(state->accepted.begin(), open.begin());
  // A clearance that no sync covered may be lost; what it cleared belongs to versions long stored.
  std::erase_if(state->unstored,
                [closed](const AcceptedUpdate& update) { return update.counts_in < closed; });
}

Result<bool> IsHeld(const Database& database, Version version) {
  return database.HoldsAny(Family::versions, ChunkKey(version, 0), ChunkKey(version, 0));
}

Status CheckHeadIsHeld(const Database& database, const RecoveredState& state) {
  if (!state.head || state.head->chunk_digests.empty()) return {};
  Version needed = state.head->version;
  auto held = IsHeld(database, needed);
  MUSTER_TRY(held);
  if (*held) return {};
  if (!state.unstored.empty()) {
    needed = state.last_record->parent;
    held = IsHeld(database, needed);
    MUSTER_TRY(held);
    if (*held) return {};
  }
  return DamagedKey(database, Family::rounds, ManifestKey(needed), "its chunks are not held");
}

Status CheckOpenRound(const Database& database, const RecoveredState& state) {
  if (!state.open_round || !state.last_record) return {};
  const Round open = state.open_round->round;
  const Round closed = state.last_record->round;
  if (open > closed) return {};
  return DamagedKey(database, Family::ledger, kOpenRoundKey,
                    "round " + std::to_string(open) + " is open, but round " +
                        std::to_string(closed) + " is closed: version " +
                        std::to_string(state.last_record->version) + " was made of it");
}

Result<std::uint64_t> ReadBatchNumber(const Database& database) {
  auto number = ReadNumber(database, kBatchNumberKey);
  MUSTER_TRY(number);
  return number->value_or(0);
}

Status CheckAgainstWitness(std::uint64_t batch_number, std::optional<std::uint64_t> witnessed,
                           const std::string& state_dir) {
  if (!witnessed || batch_number >= *witnessed) return {};
  return Error{Reason::damage, "the log in " + DatabasePath(state_dir) + " ends at batch " +
                                   std::to_string(batch_number) + ", but batch " +
                                   std::to_string(*witnessed) +
                                   " was synced: the log is damaged, not torn"};
}

Result<VersionManifest> ReadManifestOf(const Database& database, Version version) {
  const std::string key = ManifestKey(version);
  auto manifest = ReadOne<VersionManifest>(database, Family::rounds, key);
  MUSTER_TRY(manifest);
  if (!*manifest) {
    return Error{Reason::not_found,
                 "there is no version " + std::to_string(version) + " in " + database.path()};
  }
  if ((*manifest)->version != version) {
    return DamagedKey(database, Family::rounds, key, "the manifest of another version");
  }
  return std::move(**manifest);
}

Result<RoundRecord> DecodeRoundRecord(const Database& database, Version version, ByteSpan value) {
  const std::string key = RecordKey(version);
  auto record = Decode<RoundRecord>(database, Family::rounds, key, value);
  MUSTER_TRY(record);
  if (record->version != version) {
    return DamagedKey(database, Family::rounds, key, "the record of another version");
  }
  return record;
}

Result<RoundRecord> ReadRecordOf(const Database& database, Version version) {
  auto value = database.Get(Family::rounds, RecordKey(version));
  MUSTER_TRY(value);
  if (!*value) {
    return Error{Reason::not_found, "there is no round record of version " +
                                        std::to_string(version) + " in " + database.path()};
  }
  return DecodeRoundRecord(database, version, AsBytes(**value));
}

}  // namespace muster::checkpoint
