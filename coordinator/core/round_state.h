// The open round in memory, and what batches under way are for.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/core/events.h"
#include "protocol/records.h"

namespace muster::coordinator {

/// The open round in memory: its record, and what a restart finds out again.
struct RoundState {
  OpenRound record;
  std::vector<TensorScale> scales;
  std::map<Slot, AcceptedUpdate> accepted;  ///< Durable, acknowledged.
  std::set<Slot> folded;                    ///< Of them, in the sum.
  std::map<Slot, Reason> refused;           ///< Final for this attempt.
  std::vector<float> refused_max_abs;       ///< Largest magnitudes refused as out_of_bound.
  MonotonicMs attempt_started = 0;          ///< As if it had run without a break.
  MonotonicMs deadline_persisted = 0;
  bool closed_by_deadline = false;
  bool building = false;
  std::optional<VersionBuilt> built;
};

// What a batch under way is for; decides what Persisted releases.
struct ForOpenRound {};
struct ForDeadline {};
struct ForAccepts {
  std::vector<AcceptedUpdate> updates;
};
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
using Purpose = std::variant<ForOpenRound, ForDeadline, ForAccepts, ForCommit, ForEvaluation,
                             ForFinish, ForRoster, ForDrain>;
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
