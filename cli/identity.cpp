#include "cli/identity.h"

#include <algorithm>

#include "common/file.h"
#include "coordinator/core/roster_rules.h"
#include "transport/keys.h"

namespace muster::cli {

Result<PublicKey> EnsureKey(const std::string& participant_dir) {
  const std::string secret_path = participant_dir + "/participant.key";
  const std::string public_path = participant_dir + "/participant.pub";
  Result<KeyPair> keys = LoadKeyPair(secret_path);
  if (!keys) {
    if (keys.error().reason != Reason::not_found) return keys.error();
    keys = GenerateKeyPair();
    if (!keys) return keys.error();
    MUSTER_TRY(SaveKeyPair(secret_path, *keys));
  }
  const Result<PublicKey> written = LoadPublicKey(public_path);
  if (!written || *written != keys->public_key) {
    MUSTER_TRY(SavePublicKey(public_path, keys->public_key));
  }
  return keys->public_key;
}

Result<PublicKey> ReadPublicKey(const std::string& file_or_text) {
  const std::optional<PublicKey> key = PublicKey::FromZ85(file_or_text);
  if (key) return *key;
  return LoadPublicKey(file_or_text);
}

bool Holds(std::span<const RosterEntry> roster, const RosterEntry& entry) {
  return std::ranges::any_of(roster, [&](const RosterEntry& held) {
    return held.index == entry.index && held.name == entry.name && held.key == entry.key &&
           held.revoked == entry.revoked;
  });
}

std::optional<RosterEntry> Enrol(std::vector<RosterEntry>& roster, const std::string& name,
                                 const PublicKey& key) {
  const auto named = std::ranges::find(roster, name, &RosterEntry::name);
  if (named != roster.end() && named->revoked) return std::nullopt;
  const Result<RosterEntry> entry = coordinator::JudgeEnrolment(roster, name, key);
  if (!entry || Holds(roster, *entry)) return std::nullopt;
  if (named != roster.end()) {
    *named = *entry;
  } else {
    roster.push_back(*entry);
  }
  return *entry;
}

}  // namespace muster::cli
