// The open round in memory, and what batches under way are for.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/core/events.h"
#include "protocol/records.h"

namespace muster::coordinator {

/// A holder's update of a slot, refused for good: not taken as it is before the bounds are raised
/// for it (out_of_bound) or another process of the holder's name comes (all else).
struct RefusedSlot {
  Reason reason = Reason::not_finite;
  Incarnation by;           ///< The process that sent it; zero if it was away when it was judged.
  std::uint32_t raise = 0;  ///< out_of_bound: how many bits the bounds lack.
};

/// Elastic data: who does a block. Never stored: it ends with this life of the coordinator.
struct BlockLease {
  RosterIndex holder = 0;
  Attempt last = 0;    ///< From the next attempt on it passes to whoever is free.
  Attempt passes = 0;  ///< How often it passed on from one who did not leave.
};

/// The open round in memory: its record, and what a restart finds out again.
struct RoundState {
  OpenRound record;
  std::size_t asked = 0;  ///< Of record.cohort, from its front: durable, so that they are asked.
  std::vector<TensorScale> scales;
  std::map<Slot, BlockLease> leases;                 ///< Of slots not accepted; one a holder.
  std::map<RosterIndex, std::uint32_t> leases_lost;  ///< By each, or given back by going.
  std::map<UpdateId, AcceptedUpdate> accepted;       ///< Durable, acknowledged.
  std::set<UpdateId> folded;                         ///< Of them, in the sum.
  /// By slot and who sent it.
  std::map<std::pair<Slot, RosterIndex>, RefusedSlot> refused;
  std::map<Slot, Reason> last_refusals;  ///< Of this attempt, of slots not accepted: for the eye.
  std::uint32_t scales_raise = 0;        ///< The bound_raise that `scales` has.
  Attempt warned_in = 0;                 ///< The attempt in which QuorumImpossible was said.
  MonotonicMs attempt_started = 0;       ///< As if it had run without a break.
  MonotonicMs deadline_persisted = 0;
  bool closed_by_deadline = false;
  bool building = false;              ///< From the moment nothing can change the sum.
  std::optional<VersionBuilt> built;  ///< Nothing of it is durable or said before the commit.
};

/// What the open round may still become.
struct Reach {
  std::size_t updates = 0;    ///< That it may still have, those accepted included.
  std::size_t too_large = 0;  ///< More that only the cap of the bounds keeps out.
};

/// Head, committed by its record and the updates in the spool, on its way to chunks of its own.
struct UnstoredVersion {
  Version version = 0;
  Round round = 0;
  Version parent = 0;
  std::vector<std::uint32_t> extents;   ///< Of its updates: free once it is stored.
  std::optional<MonotonicMs> retry_at;  ///< Set while the disk is full.
};

// What a batch under way is for; decides what Persisted releases.
struct ForOpenRound {
  Round round = 0;
};
struct ForDeadline {};
struct ForAccepts {
  std::vector<AcceptedUpdate> updates;
};
/// The entries of the updates that a stored version was made of.
struct ForStored {};
struct ForCommit {
  RoundRecord record;
  std::vector<UpdateFate> fates;
  std::optional<OpenRound> next;
  bool finishes = false;
};
struct ForEvaluation {
  EvaluationRecord record;
  bool finishes = false;
};
struct ForFinish {};
struct ForRoster {
  RosterEntry entry;
  AdminTicket ticket = 0;
};
struct ForDrain {};
using Purpose = std::variant<ForOpenRound, ForDeadline, ForAccepts, ForStored, ForCommit,
                             ForEvaluation, ForFinish, ForRoster, ForDrain>;
struct PendingBatch {
  Purpose purpose;
  Batch batch;
  std::optional<MonotonicMs> retry_at;  ///< Set while the disk is full.
};
struct PendingAdmin {
  AdminTicket ticket = 0;
  std::string name;
  PublicKey key;
  bool revoke = false;
};

}  // namespace muster::coordinator
