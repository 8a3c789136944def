// What is kept for ever: the round record and its companions. A committed version is a pure
// function of (parent version, round record); see docs/architecture.md. Plain structs, no codec.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "model/parameter_set.h"

namespace muster {

struct LineageRecord {
  LineageId id;
  std::uint32_t parent_number = 0;  ///< 0: none.
  Version fork_version = 0;         ///< The parent's last version that this lineage keeps.
};

/// Written once, at the first start on a state directory.
struct JobRecord {
  Bytes job;  ///< EncodeJob.
  Sha256Digest digest{};
  bool trainer_deterministic = true;
};

/// Bumped and synced at every start, before anything is said to anybody.
struct EpochRecord {
  Epoch epoch;
  std::uint64_t starts = 0;  ///< How often a coordinator was started on this state.
};

struct RosterEntry {
  RosterIndex index = 0;
  std::string name;  ///< Unique; what the index belongs to.
  PublicKey key;     ///< A replaceable credential.
  bool revoked = false;
};

/// The exponents of one tensor in one round (DESIGN: "One ring").
struct TensorScale {
  std::int32_t bound_log2 = 0;  ///< |x| >= 2^bound_log2 is refused.
  std::int32_t scale_log2 = 0;  ///< q = round(w * x * 2^scale_log2).
  bool operator==(const TensorScale&) const = default;
};

/// Where an update's bytes lie in the spool.
struct SpoolExtent {
  std::uint32_t index = 0;  ///< Extents of a spool are equal in size and numbered from 0.
};

/// A durably accepted update of the open round.
struct AcceptedUpdate {
  UpdateId id;
  Round counts_in = 0;  ///< The open round; id.round, unless it is an async or a late one.
  Xxh128Digest digest{};
  std::uint64_t weight = 0;
  Version base_version = 0;
  Version client_version = 0;  ///< As RecordedUpdate has it.
  RosterIndex from = 0;
  Attempt attempt = 1;  ///< In which it was accepted: a fact for the eye, not for f.
  SpoolExtent extent;
};

/// The open round, persisted at select and at each new attempt.
struct OpenRound {
  Round round = 0;
  Version parent = 0;
  Attempt attempt = 1;
  std::vector<RosterIndex> eligible;  ///< The roster snapshot that selection drew from, ascending.
  std::vector<Slot> first_drawn;      ///< The cohort of attempt 1, ascending.
  std::vector<Slot> cohort;           ///< With those added since, in the order they were added.
  std::uint32_t bound_raise = 0;      ///< Bits added to every bound after out_of_bound refusals.
  std::int64_t deadline_ms = 0;       ///< Of this attempt, adapted; 0: the configured one.
  std::int64_t deadline_consumed_ms = 0;  ///< Of this attempt, over all coordinator lives.
};

/// One accepted update as f sees it.
struct RecordedUpdate {
  UpdateId id;
  Xxh128Digest digest{};
  std::uint64_t weight = 0;
  /// Of StalenessTable, for parent - base_version; 1 unless the job TakesStale. The update enters
  /// lanes of its weight with weight * factor, and their denominator with weight * FullFactor.
  std::uint32_t factor = 1;
  Version base_version = 0;
  /// At whose commit the client-side state that its training began from became current; 0: fresh.
  /// Declared by its sender and recorded as a fact: only a replay can tell whether it is true.
  Version client_version = 0;
};

/// The definition of one committed version.
struct RoundRecord {
  Round round = 0;
  Version version = 0;
  Version parent = 0;
  std::uint32_t lineage = 0;
  std::vector<RosterIndex> eligible;
  std::vector<Slot> first_drawn;
  std::vector<RecordedUpdate> accepted;  ///< Ascending by id.
  std::uint64_t weight_sum = 0;          ///< Of their weights, without factors.
  /// Where late updates are folded: the slots asked whose updates do not count here and may in a
  /// later version; ascending.
  std::vector<Slot> unfinished;
  std::uint32_t bound_raise = 0;
  std::vector<TensorScale> scales;  ///< One a lane tensor, lanes one after another.
  Sha256Digest digest{};            ///< Of the version that follows from it.
  // Facts for the eye, outside f.
  Attempt attempts = 1;
  bool closed_by_deadline = false;
  std::int64_t deadline_ms = 0;  ///< Of the last attempt, as OpenRound has it.
};

/// What a version is made of. Bytes lie in chunks of kVersionChunkBytes.
struct VersionManifest {
  Version version = 0;
  Sha256Digest digest{};
  std::vector<TensorSpec> tensors;  ///< The model's, then the server state's.
  std::uint32_t model_tensor_count = 0;
  std::uint64_t model_bytes = 0;  ///< The model's share of the bytes: what is downloaded.
  std::uint64_t total_bytes = 0;
  std::vector<Sha256Digest> chunk_digests;
  std::vector<float> tensor_max_abs;  ///< One a model tensor: the next round's bounds.
};

/// What became of a slot's last update. Never pruned.
struct UpdateFate {
  UpdateId id;
  Xxh128Digest digest{};
  bool committed = false;
  Version version = 0;                   ///< Where it counts, if committed.
  Reason reason = Reason::round_closed;  ///< Why not, otherwise.
};

/// How a version did on the held-out set. Outside f.
struct EvaluationRecord {
  Version version = 0;
  std::uint64_t examples = 0;
  double loss = 0;
  double accuracy = 0;
};

/// The end of the job, decided once.
struct FinishRecord {
  Reason reason = Reason::finished;
  Version version = 0;
};

// --- Mutations: what one atomic batch may hold --------------------------------------------------
struct PutJob {
  JobRecord record;
};
struct PutEpoch {
  EpochRecord record;
};
/// An epoch of this state that is over; takes away the one limits::kPastEpochsMax before it.
struct PutPastEpoch {
  Epoch epoch;
};
struct PutLineage {
  LineageRecord record;
};
struct PutRosterEntry {
  RosterEntry entry;
};
struct PutOpenRound {
  OpenRound round;
};
struct PutAccepted {
  AcceptedUpdate update;
};
/// Ends the open round. Its accepted entries stay: until the version is stored, they and the spool
/// are what it can be computed again from.
struct ClearOpenRound {};
/// The version that `round` committed is stored: the accepted entries of rounds up to it go.
struct ClearAccepted {
  Round round = 0;
};
/// Also moves head to record.version. REQUIRES: the version's chunks are durable, or its accepted
/// entries and their bytes in the spool are.
struct PutRoundRecord {
  RoundRecord record;
};
/// The first one of a state, the initial model, also becomes head.
struct PutVersion {
  VersionManifest manifest;
};
struct PutFate {
  UpdateFate fate;
};
struct PutEvaluation {
  EvaluationRecord record;
};
struct PutFinish {
  FinishRecord record;
};
/// The job goes on after all: `rounds` was raised.
struct ClearFinish {};

using Mutation =
    std::variant<PutJob, PutEpoch, PutLineage, PutRosterEntry, PutOpenRound, PutAccepted,
                 ClearOpenRound, ClearAccepted, PutRoundRecord, PutVersion, PutFate, PutEvaluation,
                 PutFinish, ClearFinish, PutPastEpoch>;

struct Batch {
  std::vector<Mutation> mutations;
  bool sync = true;  ///< False only for what may be lost with the machine.
};

/// All that a coordinator knows after a restart. Records of old rounds stay on disk but for what
/// `reproducible` needs.
struct RecoveredState {
  std::optional<JobRecord> job;
  EpochRecord epoch;
  /// Ascending by number. Starts of builds that wrote none are missing, and those beyond the limit.
  std::vector<Epoch> past_epochs;
  std::vector<LineageRecord> lineages;  ///< Ascending by number.
  std::vector<RosterEntry> roster;      ///< Ascending by index.
  std::optional<VersionManifest> head;
  std::optional<RoundRecord> last_record;
  std::optional<OpenRound> open_round;
  std::vector<AcceptedUpdate> accepted;  ///< Of the open round, ascending by id.
  /// Of head's round, while head may not be stored yet: it follows from its parent, its record and
  /// these updates in the spool. Ascending by id.
  std::vector<AcceptedUpdate> unstored;
  std::vector<UpdateFate> fates;              ///< Ascending by slot.
  std::vector<EvaluationRecord> evaluations;  ///< Ascending by version.
  std::optional<FinishRecord> finish;
};

}  // namespace muster
