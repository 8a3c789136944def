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

/// A public key given to `flag` as a file (participant.pub, coordinator.pub) or as its 40
/// characters; `whose` it should be is for the message. Errors: flag_invalid.
Result<PublicKey> ReadPublicKey(const std::string& flag, const std::string& whose,
                                const std::string& file_or_text);

/// True if the roster says exactly this already: there is nothing to store.
bool Holds(std::span<const RosterEntry> roster, const RosterEntry& entry);

/// What `muster run` does for its own participants, whom nobody enrols by hand: changes the roster
/// as JudgeEnrolment (coordinator/core/roster_rules.h) says and returns the entry to be stored;
/// nothing if there is nothing to do. What an operator said counts more: a revoked name stays
/// revoked. Errors: as JudgeEnrolment (already_exists: the key is another name's; too_large).
Result<std::optional<RosterEntry>> Enrol(std::vector<RosterEntry>& roster, const std::string& name,
                                         const PublicKey& key);

}  // namespace muster::cli
