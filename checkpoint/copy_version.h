// Old content committed anew, as a version of its own: what a rollback, an accepted loss and a
// restored mirror have in common. Numbers are never used twice, and no record is taken back.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "checkpoint/store.h"
#include "common/error.h"
#include "common/ids.h"
#include "protocol/records.h"

namespace muster {

/// Whether CommitCopy wrote this record: its version has its parent's content, f(parent, no
/// updates). A round needs at least one update, and version 0 follows from nothing.
bool IsCopy(const RoundRecord& record);

/// The lineage that goes on from `fork_version`, the last version that it keeps of the newest of
/// `lineages`. REQUIRES: `lineages` is not empty; `nonce` is drawn anew each time.
LineageRecord NextLineage(const std::vector<LineageRecord>& lineages, Version fork_version,
                          std::uint64_t nonce);

struct CopyOrder {
  Version source = 0;                    ///< Whose content is committed; it must be held.
  std::optional<LineageRecord> lineage;  ///< Begins with the copy. Nothing: the newest goes on.
  Version above = 0;  ///< The copy's number is above this one too: a version that is known, but
                      ///< that the store lost.
};

/// Commits the content of order.source as a new version, which becomes head: chunks first, each
/// checked against the source's manifest, then one synced batch. With it the open round ends; its
/// accepted updates are dropped (round_closed); a finish is taken back. A crash before the batch
/// leaves what was; chunks without a batch are swept by the next open.
/// REQUIRES: the store is open to be written and nothing was written to it but chunks of head; it
/// is closed afterwards, for its recovered() is that of before. An unstored head was stored, or is
/// meant to be lost: this clears the updates that it follows from.
/// Returns the copy's record. Errors: not_found (no such version, or its chunks are not held),
/// damage (a chunk, the manifest or the record of the source), disk_full, io_failed.
Result<RoundRecord> CommitCopy(CheckpointStore& store, const CopyOrder& order);

}  // namespace muster
