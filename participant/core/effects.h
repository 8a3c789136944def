// What the participant core wants done. The runtime performs effects in order and decides nothing.
//
// The runtime's duties:
//  1. At most one link at a time: Connect is preceded by Disconnect if one is open.
//  2. Before FitDone, of a fit with keep_on_disk: the update's bytes are in update.bin, and those
//     of the client state that the fit gave in client.next, synced and renamed into place.
//  3. StopFit{save}: the fit ends at its next batch boundary; if save, its position is in
//     position.bin, synced, before FitStopped. A fit that ended by itself first gives FitDone.
//  4. StartFit takes up position.bin if it is of this very task and began from the same client
//     state. A client state whose bytes are lost is a fresh one, and FitDone says so.
//  5. Journal every StartFit and every finished batch (journal.jsonl) before the next one starts.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "model/job.h"
#include "model/local_training.h"
#include "participant/core/events.h"

namespace muster::participant {

inline constexpr std::int64_t kTickMsMax = 250;

struct Connect {};
struct Disconnect {};
struct Send {
  Message message;
  Fence fence;
};
struct SendBulk {
  Message message;
  Fence fence;
};
/// Sends UpdateChunk with bytes of the retained update. If the bulk socket is full the runtime
/// keeps the effect and sends it first when there is room, then says BulkWritable.
struct SendUpdateChunk {
  UpdateId id;
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
  Fence fence;
};

/// The job is known now (from welcome): make the trainer for `part`. Failing ends the process.
struct SetJob {
  JobSpec job;
  RosterIndex part = 0;
};
/// Make room for the model of `version`; what is there of another digest is forgotten.
struct OpenModel {
  Version version = 0;
  std::uint64_t bytes = 0;
};
struct StoreChunk {
  PayloadHandle payload = 0;
  ModelChunk chunk;
};
struct DropPayload {
  PayloadHandle payload = 0;
};

/// Train from the model held, as the round asks. One fit at a time.
struct StartFit {
  UpdateId id;
  Version base_version = 0;
  LocalTraining ask;
  bool keep_on_disk = true;           ///< False: the update is held in memory alone.
  std::optional<ClientState> client;  ///< Begin from this one; nothing: from a fresh one.
};
struct StopFit {
  bool save_position = false;
};

struct SaveState {
  Token token = 0;
  DurableState state;
};
/// The update is not needed any more: remove its bytes, from the disk too if they are there (after
/// SaveState said so, where a saved state named them), and those of the client state beside it.
struct ForgetUpdate {};
/// The client state beside the update has become the current one (SaveState said so): its file
/// takes the place of client.bin. Followed by ForgetUpdate.
struct PromoteClient {};
struct ForgetPosition {};

enum class NoticeKind : std::uint8_t {
  connected,
  connection_lost,
  refused,
  coordinator_refused,
  task_started,
  update_ready,
  update_accepted,
  update_committed,
  update_dropped,
  leaving,
  finished,
  ignored,  ///< A message that was not acted upon; reason says why. Counted.
};
struct Notice {
  NoticeKind kind = NoticeKind::connected;
  std::string text;
  Reason reason = Reason::finished;
};
struct ArmTimer {
  MonotonicMs at = 0;
};
/// The participant ends: left, finished, superseded, revoked, unknown_key, split_brain,
/// wrong_job...
struct Stop {
  Reason reason = Reason::finished;
  std::string text;
};

using Effect = std::variant<Connect, Disconnect, Send, SendBulk, SendUpdateChunk, SetJob, OpenModel,
                            StoreChunk, DropPayload, StartFit, StopFit, SaveState, ForgetUpdate,
                            PromoteClient, ForgetPosition, Notice, ArmTimer, Stop>;
using Effects = std::vector<Effect>;

}  // namespace muster::participant
