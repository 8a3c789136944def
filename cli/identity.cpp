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

Result<PublicKey> ReadPublicKey(const std::string& flag, const std::string& whose,
                                const std::string& file_or_text) {
  const std::optional<PublicKey> key = PublicKey::FromZ85(file_or_text);
  if (key) return *key;
  Result<PublicKey> loaded = LoadPublicKey(file_or_text);
  if (loaded) return loaded;
  return Error{Reason::flag_invalid, flag + " expects the public key of " + whose +
                                         ", as its file or its 40 characters; " + file_or_text +
                                         " is neither: " + loaded.error().message};
}

bool Holds(std::span<const RosterEntry> roster, const RosterEntry& entry) {
  return std::ranges::any_of(roster, [&](const RosterEntry& held) {
    return held.index == entry.index && held.name == entry.name && held.key == entry.key &&
           held.revoked == entry.revoked;
  });
}

Result<std::optional<RosterEntry>> Enrol(std::vector<RosterEntry>& roster, const std::string& name,
                                         const PublicKey& key) {
  const auto named = std::ranges::find(roster, name, &RosterEntry::name);
  if (named != roster.end() && named->revoked) return std::optional<RosterEntry>();
  const Result<RosterEntry> entry = coordinator::JudgeEnrolment(roster, name, key);
  if (!entry) {
    return Error{entry.error().reason, "cannot enrol " + name + ": " + entry.error().message};
  }
  if (Holds(roster, *entry)) return std::optional<RosterEntry>();
  if (named != roster.end()) {
    *named = *entry;
  } else {
    roster.push_back(*entry);
  }
  return std::optional(*entry);
}

}  // namespace muster::cli
