// Keys and enrolment, as the commands need them.
#pragma once

#include <optional>
#include <span>
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

/// True if the roster says exactly this already: there is nothing to store.
bool Holds(std::span<const RosterEntry> roster, const RosterEntry& entry);

/// What `muster run` does for its own participants, whom nobody enrols by hand: changes the roster
/// as JudgeEnrolment (coordinator/core/roster_rules.h) says and returns the entry to be stored;
/// nothing if there is nothing to do. What an operator said counts more: a revoked name stays
/// revoked, and a key of another name is left to that one (the coordinator will turn it away).
std::optional<RosterEntry> Enrol(std::vector<RosterEntry>& roster, const std::string& name,
                                 const PublicKey& key);

}  // namespace muster::cli
