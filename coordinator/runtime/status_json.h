// What `muster status` shows of a running coordinator, as JSON.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/ids.h"
#include "coordinator/core/status.h"
#include "coordinator/runtime/mirror_status.h"
#include "protocol/records.h"

namespace muster::coordinator {

/// What the core does not know of its process.
struct StatusFacts {
  std::string job_name;
  Sha256Digest job_digest{};
  int pid = 0;
  std::uint64_t bytes_received = 0;  ///< Since this process began, all that Traffic counts.
  std::uint64_t bytes_sent = 0;
  std::optional<EvaluationRecord> evaluation;          ///< The newest there is.
  std::map<Reason, std::uint64_t> uncounted_refusals;  ///< RosterGate::uncounted().
  std::optional<MirrorStatus> mirror;                  ///< Nothing: none is configured.
};

/// One JSON object without newlines: {"ok":true,"job","job_digest","pid","phase","round","rounds",
/// "attempt","version","digest","lineage","epoch","starts","goal","quorum","accepted","late",
/// "accuracy","loss","evaluated_version","waiting":{"for","whom":[names],"since_ms",
/// "deadline_in_ms","next","refused":{reason:
/// slots}},"participants":[{"index","name","state","doing","in_cohort",
/// "accepted","updates","typical_ms","last_ms","late","missed" (MemberPace; the times are null
/// where none was seen),"lease_left_ms","revoked"}],"deadline":{"kind","ms","why","updates_seen",
/// "median_ms","mad_ms"} (of the open attempt and why; the last three are of now; null where there
/// is none),"bytes_received","bytes_sent","counters":{..},
/// "refusals":{reason: count}} (RunCounts), "mirror":null or {"dir","version","behind","failures",
/// "reason","message"} (the last two null while it goes well). accuracy, loss and evaluated_version
/// are null before the first evaluation; state is revoked, connected or away; deadline_in_ms is
/// null where there is none; waiting.refused counts the slots of this attempt whose last word was a
/// refusal.
std::string StatusJson(const StatusView& view, const StatusFacts& facts);

}  // namespace muster::coordinator
