// What an operator may change in the roster: one rule for the running coordinator and for the
// commands that change the state of one that does not run.
#pragma once

#include <span>
#include <string>

#include "common/error.h"
#include "common/ids.h"
#include "protocol/records.h"

namespace muster::coordinator {

/// The entry that enrols `name` with `key`: the name's own with the new key, not revoked any more,
/// or a new one under the next index. Equals the entry of the roster if that says so already.
/// `roster` is ordered by index, without holes. Pure.
/// Errors: already_exists (the key belongs to another name, revoked or not), too_large.
Result<RosterEntry> JudgeEnrolment(std::span<const RosterEntry> roster, const std::string& name,
                                   const PublicKey& key);

/// The entry of `name`, revoked; as it is if it was revoked before. Pure. Errors: not_found.
Result<RosterEntry> JudgeRevocation(std::span<const RosterEntry> roster, const std::string& name);

}  // namespace muster::coordinator
