// Keys and enrolment, as the commands need them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "protocol/records.h"

namespace muster::cli {

/// The public key of the participant whose state directory this is; makes the pair, participant.key
/// (secret, mode 0600) and participant.pub, if there is none. Errors: as transport/keys.h.
Result<PublicKey> EnsureKey(const std::string& participant_dir);

/// A public key given as a file that `muster keygen` made, or as its 40 characters.
/// Errors: not_found, file_unreadable, file_malformed.
Result<PublicKey> ReadPublicKey(const std::string& file_or_text);

/// Adds `name` to the roster under the next free index, or gives it a new key, and returns the
/// entry to be stored; nothing if there is nothing to do. A revoked name stays revoked.
std::optional<RosterEntry> Enrol(std::vector<RosterEntry>& roster, const std::string& name,
                                 const PublicKey& key);

}  // namespace muster::cli
