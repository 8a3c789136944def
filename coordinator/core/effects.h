// What the coordinator core wants done. The runtime performs effects in the order given and decides
// nothing; effects of one kind that take time may overlap, their completions come as events.
//
// The runtime's duties:
//  1. Perform Send, SendModelChunk, DropLink and Notice at once, in order: the core has already
//     waited for whatever justifies them.
//  2. Apply Persist batches in order. Answer each with Persisted or PersistRefused (disk full). Any
//     other failure ends the process.
//  3. For an upload, perform StoreChunk in order. SyncSpool covers every chunk whose ChunkStored
//     the core had seen before. Where the job accepts in memory the spool is memory
//     (checkpoint/memory_spool.h), and no SyncSpool comes.
//  4. Fold into the sum that the last OpenSum opened; BuildVersion sees all Folded before it. After
//     a restart a Fold may precede the first SpoolPrepared: it waits for that.
//  5. Fire a Tick at the last armed time (and at least every kTickMsMax), after the inbox is empty.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/core/events.h"
#include "coordinator/core/status.h"

namespace muster::coordinator {

inline constexpr std::int64_t kTickMsMax = 250;

struct Send {
  LinkId link = 0;
  Message message;
};
/// Sends ModelChunk with the bytes of the head version's model.
struct SendModelChunk {
  LinkId link = 0;
  Version version = 0;
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
};
struct DropLink {
  LinkId link = 0;
};

struct Persist {
  Token token = 0;
  Batch batch;
};
struct PrepareSpool {
  Token token = 0;
  std::uint64_t extent_bytes = 0;
  std::uint32_t extent_count = 0;
};
struct OpenUpload {
  UploadId upload = 0;
  SpoolExtent extent;
  std::uint64_t bytes = 0;
};
/// Check the payload and write it to the upload's extent.
struct StoreChunk {
  UploadId upload = 0;
  PayloadHandle payload = 0;
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
  std::uint64_t checksum = 0;
};
struct DropPayload {
  PayloadHandle payload = 0;
};
/// Forget the upload; completions still under way may come and are ignored.
struct CloseUpload {
  UploadId upload = 0;
};
struct SyncSpool {
  Token token = 0;
};

/// A sum of zeros under these exponents; what was folded before is forgotten.
struct OpenSum {
  std::vector<TensorScale> scales;
};
/// Of an update that is accepted or certain to be, unless the process dies first. Checks the
/// extent's bytes against the digest: other bytes than were offered are damage.
struct Fold {
  UpdateId id;
  Xxh128Digest digest{};
  SpoolExtent extent;
  std::uint64_t weight = 0;
  std::uint32_t factor = 1;  ///< As RecordedUpdate has both.
};
/// head + sum -> `version`, in memory. Its last updates may not be durable yet.
struct BuildVersion {
  Version version = 0;
  std::uint64_t weight_sum = 0;  ///< As RoundRecord has it.
};
/// The built version is committed: it is head from now on, in memory too.
struct AdvanceHead {
  Version version = 0;
};
/// Write this version, head or (where the job accepts in memory) the one built last, chunk by
/// chunk: VersionStored once that is durable, or VersionStoreRefused. The next version does not
/// become head before.
struct StoreVersion {
  Version version = 0;
};
struct Evaluate {
  Version version = 0;
};
/// Remove the version's chunks and answer VersionDropped; its manifest and record stay.
struct DropVersion {
  Version version = 0;
};

/// Who may connect from now on: the whole roster, revoked entries included.
struct SetRoster {
  std::vector<RosterEntry> roster;
};
/// Answers an operator's request.
struct AnswerAdmin {
  AdminTicket ticket = 0;
  muster::Status status;
  RosterIndex index = 0;
};

enum class NoticeKind : std::uint8_t {
  phase_entered,      ///< round, phase
  joined,             ///< who
  left,               ///< who, reason (left, lease_expired, superseded)
  update_accepted,    ///< round, who
  refused,            ///< who (if known), reason, text
  attempt_opened,     ///< round, attempt, reason, refused (in the attempt before), text
  quorum_impossible,  ///< round, attempt, reason, refused, text: no attempt helps; what to do
  version_committed,  ///< round, version: durable
  version_evaluated,  ///< version: to be reported exactly once, see `Reporting`
  drained,
  finished,   ///< version, reason
  suspended,  ///< text: the loop stood still
};
/// For logs, the event stream and the display. Never changes what the core does.
struct Notice {
  NoticeKind kind = NoticeKind::phase_entered;
  Round round = 0;
  Version version = 0;
  Attempt attempt = 0;
  std::string who;  ///< A roster name; empty if not about one.
  Reason reason = Reason::finished;
  std::string text;  ///< The phase's name, or more on the reason.
  ReasonCounts refused;
};
/// Tick me at this time. Replaces the time armed before.
struct ArmTimer {
  MonotonicMs at = 0;
};
/// The process ends: finished, draining (drained), attempts_exhausted, bound_exhausted, ...
struct Stop {
  Reason reason = Reason::finished;
  std::string text;
};

using Effect = std::variant<Send, SendModelChunk, DropLink, Persist, PrepareSpool, OpenUpload,
                            StoreChunk, DropPayload, CloseUpload, SyncSpool, OpenSum, Fold,
                            BuildVersion, AdvanceHead, StoreVersion, Evaluate, DropVersion,
                            SetRoster, AnswerAdmin, Notice, ArmTimer, Stop>;
using Effects = std::vector<Effect>;

}  // namespace muster::coordinator
