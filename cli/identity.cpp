#include "cli/identity.h"

#include <algorithm>

#include "common/file.h"
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

std::optional<RosterEntry> Enrol(std::vector<RosterEntry>& roster, const std::string& name,
                                 const PublicKey& key) {
  const auto found = std::ranges::find(roster, name, &RosterEntry::name);
  if (found != roster.end()) {
    if (found->revoked || found->key == key) return std::nullopt;
    found->key = key;
    return *found;
  }
  RosterIndex next = 0;
  for (const RosterEntry& entry : roster) next = std::max(next, entry.index + 1);
  roster.push_back({next, name, key, false});
  return roster.back();
}

}  // namespace muster::cli
