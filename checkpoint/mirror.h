// The mirror: a second state directory, meant for another volume, that follows the first one behind
// its rounds. It has the same format; `muster checkpoints restore` starts from it (restore.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "checkpoint/retention.h"
#include "checkpoint/store.h"
#include "common/error.h"
#include "common/ids.h"

namespace muster {

/// What was found of versions whose chunks are not as they were written.
using DamagedVersions = std::map<Version, std::string>;

/// What one call copied.
struct MirrorSync {
  std::optional<Version> head;    ///< Of the mirror, now; nothing: it holds no version yet.
  std::uint64_t versions = 0;     ///< Whose chunks were copied.
  std::uint64_t chunk_bytes = 0;  ///< Of them.
  DamagedVersions damaged;        ///< Of the primary: left out, and not in the mirror.
  bool complete = true;           ///< False: the primary stored more meanwhile; call again.
};

/// Success if the mirror is empty or an earlier moment of the primary. Errors: wrong_job (the
/// mirror of another job, or of another run of it), unknown_lineage, mirror_ahead (it holds a
/// version that the primary does not: the primary is an older copy, or lost it), and those of both
/// stores.
Status CheckMirror(CheckpointStore& primary, CheckpointStore& mirror);

/// Makes the mirror what the primary is, but for the open round, whose updates lie in the spool,
/// and for a head that is not stored yet. First the newest version that the primary holds whole:
/// its chunks, read back, then one synced batch with all records up to it; then evaluations, fates,
/// roster and finish; then, from the newest to the oldest, what else the primary holds and the
/// mirror's `policy` keeps, unless the primary stores a newer version meanwhile. Removes from the
/// mirror what `policy` does not keep; what the primary lost, the mirror keeps. A version with a
/// damaged chunk is left out and told of; so are those in `known`, unread. Idempotent; after a
/// crash the next call goes on. `between` is called between chunks; its error ends the call, what
/// was committed stays. The primary may be at work meanwhile; the mirror is used by this call
/// alone. Errors: those of CheckMirror, of `between` and of both stores (disk_full: the mirror's),
/// and not_held: the primary removes its newest versions sooner than they can be copied.
Result<MirrorSync> SyncMirror(CheckpointStore& primary, CheckpointStore& mirror,
                              const RetentionPolicy& policy, const std::function<Status()>& between,
                              const DamagedVersions& known = {});

}  // namespace muster
