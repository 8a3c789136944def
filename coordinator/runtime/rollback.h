// Back to an older version, by going on: its content becomes a new version of the same lineage.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "common/error.h"
#include "common/ids.h"
#include "protocol/records.h"

namespace muster::coordinator {

struct RolledBack {
  RoundRecord record;               ///< Of the new version.
  std::size_t dropped_updates = 0;  ///< Accepted in the round that was open.
  bool head_stored = false;         ///< Head was committed but not stored; it is stored now.
  /// The job's participants keep client-side state, which no rollback takes back.
  bool client_state_stays = false;
  std::vector<std::string> costs;  ///< CostsOfCopy.
};

/// Commits the content of `version` anew (checkpoint/copy_version.h). Head is lost no more than the
/// versions before it: one that is not stored yet is computed and stored first. Nothing is changed
/// where anything is refused but for that. REQUIRES: as CommitCopy.
/// Errors: flag_invalid (it is head), not_found (no such version, or its chunks are not held),
/// damage (of it, or of what an unstored head is computed from), disk_full, io_failed.
Result<RolledBack> RollBack(CheckpointStore& store, Spool& spool, Version version);

}  // namespace muster::coordinator
