// The bytes of what the checkpoint keeps: one record is one format byte and its fields in a bounded
// little-endian archive (docs/protocol.md, "The archive"). Equal records have equal bytes.
#pragma once

#include <concepts>
#include <cstdint>

#include "common/bytes.h"
#include "common/error.h"
#include "protocol/records.h"

namespace muster {

/// The format byte that this build writes. It reads this one alone.
inline constexpr std::uint8_t kRecordFormat = 5;

template <typename T>
concept PersistedRecord =
    std::same_as<T, LineageRecord> || std::same_as<T, JobRecord> || std::same_as<T, EpochRecord> ||
    std::same_as<T, RosterEntry> || std::same_as<T, OpenRound> || std::same_as<T, AcceptedUpdate> ||
    std::same_as<T, RoundRecord> || std::same_as<T, VersionManifest> ||
    std::same_as<T, UpdateFate> || std::same_as<T, EvaluationRecord> ||
    std::same_as<T, FinishRecord> || std::same_as<T, Epoch>;

/// The record's bytes, the format byte first. Cannot fail.
template <PersistedRecord Record>
Bytes EncodeRecord(const Record& record);

/// Strict inverse of EncodeRecord: known enum numbers, counts within limits.h, no trailing bytes.
/// Never allocates ahead of the bytes that are there. Errors: unsupported (another format; the text
/// says which), damage (anything else).
template <PersistedRecord Record>
Result<Record> DecodeRecord(ByteSpan bytes);

}  // namespace muster
