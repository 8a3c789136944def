#include "checkpoint/internal/keys.h"

#include <algorithm>
#include <cstddef>

#include "common/bytes.h"
#include "common/error.h"

namespace muster::checkpoint {
namespace {

template <typename T>
void AppendBig(std::string* key, T number) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    key->push_back(static_cast<char>(static_cast<unsigned char>(number >> shift)));
  }
}

template <typename T>
std::string Numbered(std::string_view prefix, T number) {
  std::string key(prefix);
  AppendBig(&key, number);
  return key;
}

Version BigVersion(std::string_view bytes) {
  Version version = 0;
  for (const char c : bytes) version = version << 8 | static_cast<unsigned char>(c);
  return version;
}

}  // namespace

std::string_view FamilyName(Family family) {
  switch (family) {
    case Family::meta:
      return "meta";
    case Family::rounds:
      return "rounds";
    case Family::versions:
      return "versions";
    case Family::ledger:
      return "ledger";
    case Family::audit:
      return "audit";
  }
  MUSTER_CHECK(false, "a column family without a name");
}

std::string KeyText(std::string_view key) {
  const auto is_word = [](std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
  };
  const std::size_t slash = key.find('/');
  if (!is_word(key.substr(0, slash))) return Hex(AsBytes(key));
  if (slash == std::string_view::npos) return std::string(key);
  return std::string(key.substr(0, slash + 1)) + Hex(AsBytes(key.substr(slash + 1)));
}

std::string PastEpochKey(std::uint64_t number) { return Numbered(kPastEpochPrefix, number); }
std::string LineageKey(std::uint32_t number) { return Numbered(kLineagePrefix, number); }
std::string RosterKey(RosterIndex index) { return Numbered(kRosterPrefix, index); }
std::string RecordKey(Version version) { return Numbered(kRecordPrefix, version); }
std::string ManifestKey(Version version) { return Numbered(kManifestPrefix, version); }
std::string EvaluationKey(Version version) { return Numbered(kEvaluationPrefix, version); }
std::string FateKey(Slot slot) { return Numbered(kFatePrefix, slot); }

std::optional<Version> VersionOfKey(std::string_view key, std::string_view prefix) {
  if (!key.starts_with(prefix) || key.size() != prefix.size() + sizeof(Version)) {
    return std::nullopt;
  }
  return BigVersion(key.substr(prefix.size()));
}

std::string AcceptedKey(const UpdateId& id) {
  std::string key = Numbered(kAcceptedPrefix, id.lineage);
  AppendBig(&key, id.round);
  AppendBig(&key, id.slot);
  AppendBig(&key, id.task);
  return key;
}

std::string ChunkKey(Version version, std::uint32_t index) {
  std::string key = Numbered("", version);
  AppendBig(&key, index);
  return key;
}

std::optional<Version> VersionOfChunkKey(std::string_view key) {
  if (key.size() < sizeof(Version) + sizeof(std::uint32_t)) return std::nullopt;
  return BigVersion(key.substr(0, sizeof(Version)));
}

}  // namespace muster::checkpoint
