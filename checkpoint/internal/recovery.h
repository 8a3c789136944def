// Reads the whole state of a database at open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "checkpoint/internal/batch_encoder.h"
#include "checkpoint/internal/database.h"
#include "common/error.h"
#include "protocol/records.h"

namespace muster::checkpoint {

struct Recovery {
  RecoveredState state;
  StoreIndex index;
};

/// Errors: damage (a record that cannot be read, named by its key, or one that must be there and is
/// not), unsupported (a record of a newer format), io_failed.
Result<RecoveredState> ReadStateOf(const Database& database);

/// ReadStateOf and the index. Errors: the same.
Result<Recovery> Recover(const Database& database);

/// Moves what belongs to head's round from `accepted` to `unstored`.
void SplitAccepted(RecoveredState* state);

/// Whether the version's chunks are there. A version is taken in whole or not at all, so its first
/// chunk speaks for all. Errors: damage, io_failed.
Result<bool> IsHeld(const Database& database, Version version);

/// Whether head's chunks are there, or those that an unstored head is computed from. Errors: damage
/// (they are not), io_failed.
Status CheckHeadIsHeld(const Database& database, const RecoveredState& state);

/// Whether the open round comes after the one that made head: a batch that closes a round is the
/// last that names it open. Errors: damage.
Status CheckOpenRound(const Database& database, const RecoveredState& state);

/// The number of the last batch that the database holds; 0: none. Errors: damage, io_failed.
Result<std::uint64_t> ReadBatchNumber(const Database& database);

/// Whether the log goes as far as it was synced, as the witness tells. Errors: damage.
Status CheckAgainstWitness(std::uint64_t batch_number, std::optional<std::uint64_t> witnessed,
                           const std::string& state_dir);

/// Errors: not_found, damage, unsupported, io_failed.
Result<VersionManifest> ReadManifestOf(const Database& database, Version version);
Result<RoundRecord> ReadRecordOf(const Database& database, Version version);

/// Decodes and says where the record lies if that fails. `version` is the one its key names.
Result<RoundRecord> DecodeRoundRecord(const Database& database, Version version, ByteSpan value);

}  // namespace muster::checkpoint
