// state.bin: what a participant knows after its process ended. docs/storage-format.md has the
// bytes.
//
//   offset  size  field
//        0     4  magic "MPST"
//        4     2  format (2)
//        6     2  which fields are set: 1 job, 2 seen, 4 retained, 8 its client_next, 16 client;
//        the
//                 others are zero
//        8    32  job digest
//       40    36  seen: lineage number, nonce, epoch number, nonce, version (4 + 4 * 8)
//       76    68  retained: lineage 4, round 8, slot 4, task 4, digest 16, bytes 8, weight 8, base
//       8,
//                 client version 8
//      144    24  its client_next: digest 16, bytes 8
//      168    32  client: version 8, digest 16, bytes 8
//      200    16  XXH3-128 of all before
#pragma once

#include <string>

#include "common/bytes.h"
#include "common/error.h"
#include "participant/core/events.h"

namespace muster::participant {

Bytes EncodeState(const DurableState& state);
/// Strict inverse. Errors: damage (torn, changed or foreign bytes), unsupported (a newer format).
Result<DurableState> DecodeState(ByteSpan bytes);

/// An empty state if there is no file. Errors: damage, unsupported, file_unreadable; the text names
/// the file and what to do.
Result<DurableState> ReadStateFile(const std::string& path);
/// Atomic and durable. Errors: io_failed, disk_full.
Status WriteStateFile(const std::string& path, const DurableState& state);

}  // namespace muster::participant
