// What the participant core is told, and what it wants done. Same manner as coordinator/core.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "protocol/messages.h"

namespace muster::participant {

using Token = std::uint64_t;
using PayloadHandle = std::uint64_t;

/// Client-side state: what a trainer keeps of its slot from one update that counts to the next (an
/// inner optimizer's moments, control variates). Only the trainer understands the bytes.
struct ClientBytes {
  Xxh128Digest digest{};
  std::uint64_t bytes = 0;
  bool operator==(const ClientBytes&) const = default;
};

/// The current one: what the next fit begins from. It moves on upon a commit, never on a fit.
struct ClientState {
  Version version = 0;  ///< In which the update that made it counts.
  ClientBytes held;
  bool operator==(const ClientState&) const = default;
};

/// A trained update that is kept until the coordinator says what became of it.
struct RetainedUpdate {
  UpdateId id;
  Xxh128Digest digest{};
  std::uint64_t bytes = 0;
  std::uint64_t weight = 0;
  Version base_version = 0;
  Version client_version = 0;  ///< Of the client state that its training began from; 0: fresh.
  /// The client state that becomes current if this update counts, and goes if it does not.
  std::optional<ClientBytes> client_next;
};

/// What outlives the process: one small file, replaced atomically
/// (participant/runtime/state_file.h). The update's bytes, the client states' and the trainer's
/// position lie in files beside it.
struct DurableState {
  std::optional<Sha256Digest> job;
  std::optional<SeenState> seen;
  std::optional<RetainedUpdate> retained;
  std::optional<ClientState> client;  ///< Nothing: fresh.
};

// --- Events --------------------------------------------------------------------------------------

/// Must be the first event.
struct Started {};
struct Tick {};
/// Both connections of the link asked for last are up.
struct LinkUp {};
/// They are not, or no longer. unknown_key: the coordinator's door is closed to this key.
struct LinkDown {
  Reason reason = Reason::connection_lost;
};
struct Received {
  Fence fence;
  Message message;
};
/// A model chunk: its bytes stay with the runtime.
struct ChunkReceived {
  Fence fence;
  ModelChunk chunk;
  PayloadHandle payload = 0;
};
struct Unreadable {
  Reason reason = Reason::malformed_message;
};
/// The send window had no room: the runtime says when it has again.
struct BulkWritable {};
/// The chunk's checksum matched and it is in the model buffer.
struct ChunkStored {
  Version version = 0;
  std::uint64_t offset = 0;  ///< Where the chunk ends.
};
struct ChunkRejected {
  Version version = 0;
};
/// Follows the ChunkStored of the last byte.
struct ModelChecked {
  Version version = 0;
  Xxh128Digest digest{};
};
/// The fit ended by itself; its update is in memory and on disk, not yet in the durable state.
struct FitDone {
  RetainedUpdate update;  ///< weight holds the examples; the core makes the weight of them.
};
/// The fit was stopped; its position is saved (if it was asked to be).
struct FitStopped {
  UpdateId id;
};
struct FitFailed {
  UpdateId id;
  Error error;
};
struct StateSaved {
  Token token = 0;
};
/// SIGTERM: a preemption notice. Save the position, say goodbye, leave.
struct StopRequested {};

using Event = std::variant<Started, Tick, LinkUp, LinkDown, Received, ChunkReceived, Unreadable,
                           BulkWritable, ChunkStored, ChunkRejected, ModelChecked, FitDone,
                           FitStopped, FitFailed, StateSaved, StopRequested>;

}  // namespace muster::participant
