// Checks a stored state against itself: every chunk, the chain of versions, the ledger, the spool.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "checkpoint/spool.h"
#include "checkpoint/state_key.h"
#include "checkpoint/store.h"
#include "common/error.h"

namespace muster {

struct VerifiedState {
  std::uint64_t records = 0;          ///< Round records whose chain and sums were checked.
  std::uint64_t updates = 0;          ///< Accepted updates in them, each in one record alone.
  std::vector<Version> held;          ///< Versions whose every chunk was read, ascending.
  std::uint64_t chunk_bytes = 0;      ///< Of them.
  std::uint64_t spooled_updates = 0;  ///< Accepted updates whose bytes in the spool were read.
  bool in_use = false;                ///< A coordinator is at work: the spool was not looked at.
};

/// The version's manifest against its record and itself, and each chunk against the manifest.
/// Returns the chunks' bytes. Errors: not_found (no such version, or its chunks are not held),
/// damage, io_failed.
Result<std::uint64_t> VerifyVersion(CheckpointStore& store, Version version);

/// The bytes in the spool of each of `updates`, `bytes` long, against its digest. Prepares the
/// spool. Errors: damage (names the update), io_failed.
Status VerifySpooled(Spool& spool, std::uint64_t bytes, const std::vector<AcceptedUpdate>& updates);

/// The records alone, as VerifyState checks them: no chunk is read. Errors: damage, io_failed.
Result<VerifiedState> VerifyRecords(CheckpointStore& store);

/// Reads everything. Records: numbered without a gap, each parent the version before it, or, of a
/// copy (copy_version.h), any version with its digest; a copy alone begins a lineage, at the
/// version that this goes on from, and only there numbers may be left out. Updates ascending, in
/// one record at most, their weights adding up; a fate of a committed update agrees with its
/// record. Versions: the manifest names the record's digest and has it, each chunk has the
/// manifest's. Spool: each update that is accepted or whose version is not stored has its digest;
/// without a spool (a coordinator is at work on it) they are not looked at. `progress` is called
/// now and then with the version that is read. Errors: damage (the first thing that is not as it
/// was written, with what it is), io_failed.
Result<VerifiedState> VerifyState(CheckpointStore& store, Spool* spool,
                                  const std::function<void(Version)>& progress);

/// VerifyState of `store`, which is open on this directory with this key, with its spool unless a
/// coordinator is at work on it, or starts meanwhile. Takes no lock and changes no byte: a
/// read-only volume will do. Errors: as VerifyState; also damage (the spool is gone or too short).
Result<VerifiedState> VerifyStateDirectory(CheckpointStore& store, const std::string& state_dir,
                                           const StateKey& key,
                                           const std::function<void(Version)>& progress);

}  // namespace muster
