// The names of everything in the database: column families and keys (docs/storage-format.md).
// Text, then numbers in big-endian order, so that the order of keys is the order of numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/ids.h"

namespace muster::checkpoint {

/// The column families, in the order in which they are opened.
enum class Family : std::uint8_t { meta, rounds, versions, ledger, audit };
inline constexpr std::array kFamilies = {Family::meta, Family::rounds, Family::versions,
                                         Family::ledger, Family::audit};
std::string_view FamilyName(Family family);

/// A key as messages show it: its text, and in hexadecimal the numbers behind.
std::string KeyText(std::string_view key);

// --- meta: what there is one of, and the short lists ---------------------------------------------
inline constexpr std::string_view kBatchNumberKey = "batch";  ///< Numbers every batch, from 1.
inline constexpr std::string_view kHeadKey = "head";
inline constexpr std::string_view kJobKey = "job";
inline constexpr std::string_view kEpochKey = "epoch";
inline constexpr std::string_view kFinishKey = "finish";
inline constexpr std::string_view kPastEpochPrefix = "past_epoch/";
inline constexpr std::string_view kLineagePrefix = "lineage/";
inline constexpr std::string_view kRosterPrefix = "roster/";
std::string PastEpochKey(std::uint64_t number);
std::string LineageKey(std::uint32_t number);
std::string RosterKey(RosterIndex index);

// --- rounds: one of each a version, never pruned -------------------------------------------------
inline constexpr std::string_view kRecordPrefix = "record/";
inline constexpr std::string_view kManifestPrefix = "manifest/";
inline constexpr std::string_view kEvaluationPrefix = "evaluation/";
std::string RecordKey(Version version);
std::string ManifestKey(Version version);
std::string EvaluationKey(Version version);
/// The version of a key made by one of the three above; nothing if it is none.
std::optional<Version> VersionOfKey(std::string_view key, std::string_view prefix);

// --- ledger: the open round, and the fate of each slot's last update -----------------------------
inline constexpr std::string_view kOpenRoundKey = "open";
inline constexpr std::string_view kAcceptedPrefix = "accepted/";
inline constexpr std::string_view kFatePrefix = "fate/";
std::string AcceptedKey(const UpdateId& id);
std::string FateKey(Slot slot);

// --- versions: nothing but chunks, so that a version is a whole file -----------------------------
/// Version, then index: 12 bytes. ChunkKey(v, 0) is the least key of version v.
std::string ChunkKey(Version version, std::uint32_t index);
inline constexpr std::uint32_t kChunkIndexLast = UINT32_MAX;
/// The version of a key that begins as one made by ChunkKey; nothing if it is too short for one.
std::optional<Version> VersionOfChunkKey(std::string_view key);

}  // namespace muster::checkpoint
