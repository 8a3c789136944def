// What the coordinator core is told: messages, completions of its effects, wishes of the operator.
// Time comes with every Step; there is no other clock.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "protocol/messages.h"
#include "protocol/records.h"

namespace muster::coordinator {

/// Names one Persist, PrepareSpool or SyncSpool effect; never reused.
using Token = std::uint64_t;
/// Names one upload attempt; never reused. A completion under a forgotten id is ignored.
using UploadId = std::uint64_t;
/// Raw bytes that the runtime holds until a StoreChunk or DropPayload effect takes them.
using PayloadHandle = std::uint64_t;
/// Names one request of the operator; answered by exactly one AnswerAdmin effect.
using AdminTicket = std::uint64_t;

/// Must be the first event. Effects that go on from the recovered state follow from it.
struct Started {};
/// Time has passed. The runtime sends one at the armed time, and at least every kTickMsMax.
struct Tick {};

/// A message without raw bytes, from either channel. `identity` is of this very message.
struct Received {
  LinkId link = 0;
  PublicKey identity;
  Fence fence;
  Message message;
  std::uint64_t connection = 0;  ///< As ServerMessage has it (transport/transport.h).
};
/// An update_chunk: its raw bytes stay with the runtime.
struct ChunkReceived {
  LinkId link = 0;
  PublicKey identity;
  Fence fence;
  UpdateChunk chunk;
  PayloadHandle payload = 0;
};
/// A message that could not be decoded or whose sender broke the framing.
struct Unreadable {
  LinkId link = 0;
  PublicKey identity;
  Reason reason = Reason::malformed_message;
};
/// A send said that the link does not exist any more.
struct LinkGone {
  LinkId link = 0;
};
/// A handshake was refused by the key gate: counted.
struct HandshakeRefused {
  PublicKey key;
  Reason reason = Reason::unknown_key;
};

struct Persisted {
  Token token = 0;
};
/// disk_full: nothing was written. Any other failed write ends the process, not the core.
struct PersistRefused {
  Token token = 0;
};
struct SpoolPrepared {
  Token token = 0;
};
/// disk_full: the spool cannot hold the round.
struct SpoolRefused {
  Token token = 0;
};
struct SpoolSynced {
  Token token = 0;
};
/// The chunk's checksum matched, its values are finite, it is in the spool file (not yet synced).
struct ChunkStored {
  UploadId upload = 0;
  std::uint64_t offset = 0;  ///< Where the chunk ends.
};
/// checksum_mismatch, not_finite or disk_full.
struct ChunkRejected {
  UploadId upload = 0;
  Reason reason = Reason::checksum_mismatch;
};
/// Follows the ChunkStored of an upload's last byte.
struct UploadChecked {
  UploadId upload = 0;
  Xxh128Digest digest{};
  bool gaps_zero = true;              ///< The alignment gaps held zeros only.
  std::vector<float> tensor_max_abs;  ///< One a lane tensor.
};
struct Folded {
  UpdateId id;
};
/// The version is computed; nothing of it is on disk.
struct VersionBuilt {
  VersionManifest manifest;
  Xxh128Digest model_digest{};
};
/// The version's chunks are durable.
struct VersionStored {
  Version version = 0;
};
/// disk_full: the version is not written; asked again later.
struct VersionStoreRefused {
  Version version = 0;
};
/// The version's chunks are gone; or the disk is too full even for that, and they are still there.
struct VersionDropped {
  Version version = 0;
  bool gone = true;
};
/// The version cannot be: the aggregate is not finite, or the sums cannot be read.
struct BuildFailed {
  Error error;
};
struct Evaluated {
  EvaluationRecord record;
};

/// So many bytes are free on the state's volume: told when they cross RoomForGrants.
struct DiskMeasured {
  std::uint64_t free_bytes = 0;
};

struct EnrollRequested {
  AdminTicket ticket = 0;
  std::string name;
  PublicKey key;  ///< An enrolled name gets a new key; its index stays.
};
struct RevokeRequested {
  AdminTicket ticket = 0;
  std::string name;
};
/// SIGTERM: hand out nothing new, finish what is half done, stop; a later start resumes.
struct DrainRequested {};

using Event =
    std::variant<Started, Tick, Received, ChunkReceived, Unreadable, LinkGone, HandshakeRefused,
                 Persisted, PersistRefused, SpoolPrepared, SpoolRefused, SpoolSynced, ChunkStored,
                 ChunkRejected, UploadChecked, Folded, VersionBuilt, VersionStored,
                 VersionStoreRefused, VersionDropped, BuildFailed, Evaluated, DiskMeasured,
                 EnrollRequested, RevokeRequested, DrainRequested>;

}  // namespace muster::coordinator
