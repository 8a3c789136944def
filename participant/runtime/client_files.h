// client.bin, the client-side state that the next fit begins from, and client.next, the one that
// becomes current if the retained update counts. Both hold the trainer's bytes as they are;
// state.bin says by their digests which file is which, so a crash between its write and the rename
// of client.next is finished by the next start.
#pragma once

#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "participant/core/events.h"
#include "participant/runtime/fit.h"

namespace muster::participant {

/// The bytes that `held` describes. Errors: not_found, damage (others lie there), file_unreadable.
Result<Bytes> ReadClientFile(const std::string& path, const ClientBytes& held);

/// client.next becomes client.bin, durably. Errors: io_failed.
Status PromoteClientFile(const StatePaths& paths);

/// At a start: finishes what a crash cut short, removes what nothing names, and takes out of
/// `state` what its files do not hold: a lost current state is a fresh one from now on, and a lost
/// next one leaves the current one where it is. Appends a sentence for each loss. Errors:
/// io_failed.
Status OpenClientFiles(const StatePaths& paths, DurableState& state,
                       std::vector<std::string>& losses);

}  // namespace muster::participant
