// position.bin: where a fit stood when the participant left. Read again by the fit of the very same
// task on the very same base; of use to no other.
//
//   magic "MPOS", format u16 (2), zero u16, lineage u32, round u64, slot u32, task u32, base
//   version u64, client version u64, batches done u64, trainer bytes u64, the trainer's bytes,
//   XXH3-128 of all before
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/bytes.h"
#include "common/error.h"
#include "common/ids.h"

namespace muster::participant {

struct SavedPosition {
  UpdateId id;
  Version base_version = 0;
  Version client_version = 0;  ///< Of the client-side state that it began from; 0: fresh.
  std::uint64_t batches_done = 0;
  Bytes trainer;  ///< What Trainer::Save gave.
};

/// Atomic and durable. Errors: io_failed, disk_full.
Status SavePosition(const std::string& path, const SavedPosition& position);
/// Nothing if there is no file. Errors: file_malformed, file_unreadable.
Result<std::optional<SavedPosition>> LoadPosition(const std::string& path);

}  // namespace muster::participant
