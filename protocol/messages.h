// Every message of the protocol, as plain structs. docs/protocol.md has the exchange; the codec is
// protocol/codec.h. Durations only, never points in time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "protocol/records.h"

namespace muster {

inline constexpr std::uint16_t kProtocolVersionMin = 3;
inline constexpr std::uint16_t kProtocolVersion = 3;

/// What fences a message: set by the sender in every header, checked by every receiver.
struct Fence {
  std::uint32_t lineage = 0;
  Epoch epoch;  ///< All zero in `hello`: the sender has no session yet.
  auto operator<=>(const Fence&) const = default;
};

/// The newest state a participant has been told of by a coordinator it believed.
struct SeenState {
  LineageId lineage;
  Epoch epoch;
  Version version = 0;
  auto operator<=>(const SeenState&) const = default;
};

/// How bulk frames are sealed: the transport does it, with the keys of a ticket. Named in
/// hello/welcome. 1 was CURVE's, up to protocol 2.
enum class BulkSeal : std::uint8_t { aes_256_gcm = 2 };

// --- Participant to coordinator, control ---------------------------------------------------------
struct Hello {
  std::uint16_t protocol_min = kProtocolVersionMin;
  std::uint16_t protocol_max = kProtocolVersion;
  std::vector<BulkSeal> seals = {BulkSeal::aes_256_gcm};
  std::string name;
  Incarnation incarnation;
  std::optional<SeenState> seen;
  /// The job it worked for, if it knows: another one is refused with wrong_job.
  std::optional<Sha256Digest> job;
  struct Retained {
    UpdateId id;
    Xxh128Digest digest{};
    bool operator==(const Retained&) const = default;
  };
  std::optional<Retained> retained;  ///< A trained update whose fate it does not know.
};

/// Any authenticated byte renews the lease; this one is sent when there is nothing else to say.
struct LeaseRenew {};

/// "I have trained this." Answered by grant, accepted or refused.
struct Offer {
  UpdateId id;
  Xxh128Digest digest{};
  std::uint64_t bytes = 0;
  std::uint64_t weight = 0;
  Version base_version = 0;
  Version client_version = 0;  ///< As RecordedUpdate has it.
};

/// Goodbye. reason is left (SIGTERM, a preemption notice), superseded or finished.
struct Leave {
  Reason reason = Reason::left;
};

/// The participant will not follow this coordinator (coordinator_older, split_brain,
/// unknown_lineage, wrong_job): counted and shown, never acted upon.
struct RefuseCoordinator {
  Reason reason = Reason::coordinator_older;
  std::optional<SeenState> seen;
};

// --- Coordinator to participant, control ---------------------------------------------------------
struct Welcome {
  std::uint16_t protocol = kProtocolVersion;
  BulkSeal seal = BulkSeal::aes_256_gcm;
  std::string job_name;
  Bytes job;  ///< EncodeJob; its SHA-256 is job_digest.
  Sha256Digest job_digest{};
  std::vector<LineageRecord> lineages;  ///< The history; the last is the current one.
  Epoch epoch;
  Version head = 0;
  RosterIndex index = 0;
  std::int64_t lease_ms = 0;
  /// Hello::retained of the hello that this answers: a welcome to another hello is not followed.
  std::optional<Hello::Retained> retained;
  /// What became of it. None: the coordinator has no record of it (train and offer as asked).
  /// accepted: keep it until committed or told otherwise.
  enum class RetainedFate : std::uint8_t { none = 0, accepted = 1, committed = 2, dropped = 3 };
  RetainedFate retained_fate = RetainedFate::none;
  Reason retained_reason = Reason::round_closed;  ///< If dropped.
  Version retained_version = 0;                   ///< If committed: where it counts.
};

struct LeaseAck {};

/// "Train this." Sent once per (session, task, attempt); a participant that holds the trained
/// update of this id offers it instead.
struct TaskOrder {
  UpdateId id;
  Attempt attempt = 1;
  Version base_version = 0;
  Sha256Digest base_digest{};   ///< Of the version (its model and server state).
  Xxh128Digest model_digest{};  ///< Of the model's bytes: what the download must have.
  std::uint64_t model_bytes = 0;
  std::vector<TensorScale> scales;  ///< |x| >= 2^bound_log2 will be refused.
  std::int64_t deadline_ms = 0;     ///< Left of this attempt when sent.
};

/// "Send it, from `offset`, at most `credit_bytes` ahead of what I have stored."
struct Grant {
  UpdateId id;
  Xxh128Digest digest{};
  std::uint64_t offset = 0;
  std::uint64_t credit_bytes = 0;
  std::uint32_t chunk_bytes = 0;
};

/// "Stored up to `offset`": opens the window further.
struct UploadCredit {
  UpdateId id;
  std::uint64_t offset = 0;
};

/// Durable. The sender never trains this id again and keeps the update until `committed`.
struct Accepted {
  UpdateId id;
  Xxh128Digest digest{};
};

/// The update counts in `version`: the sender may forget it.
struct Committed {
  UpdateId id;
  Version version = 0;
};

/// The named task or update is not wanted, and why. Also answers every message that does not fit.
struct Refused {
  Reason reason = Reason::unexpected_message;
  std::optional<UpdateId> id;
  std::int64_t retry_after_ms = 0;  ///< 0: do not retry by yourself.
  std::string text;
};

/// The job is finished: the participant ends well.
struct JobFinished {
  Reason reason = Reason::finished;
  Version version = 0;
};

// --- Bulk ----------------------------------------------------------------------------------------
/// First message on a bulk connection: ties it to the session of this incarnation.
struct BulkHello {
  Incarnation incarnation;
};

/// Pull of model bytes. The participant keeps at most kCreditWindowBytes asked for.
struct ModelRequest {
  Version version = 0;
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
};

/// Followed by `bytes` raw bytes of the model.
struct ModelChunk {
  Version version = 0;
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
  std::uint64_t checksum = 0;  ///< Xxh64Of the raw bytes.
};

/// Followed by `bytes` raw bytes of the update.
struct UpdateChunk {
  UpdateId id;
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
  std::uint64_t checksum = 0;
};

using Message = std::variant<Hello, LeaseRenew, Offer, Leave, RefuseCoordinator,  //
                             Welcome, LeaseAck, TaskOrder, Grant, UploadCredit, Accepted, Committed,
                             Refused, JobFinished,  //
                             BulkHello, ModelRequest, ModelChunk, UpdateChunk>;

/// "hello", "task", "update_chunk", ... as logs, metrics and docs spell it.
std::string_view MessageName(const Message& message);

}  // namespace muster
