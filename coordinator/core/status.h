// What the core shows of itself: what it waits for, and all that `muster status` prints.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "coordinator/core/pace.h"
#include "protocol/records.h"

namespace muster::coordinator {

/// The phases of a round, a file each (phase_*.cpp), and what lies around the rounds.
enum class Phase : std::uint8_t {
  starting,   ///< The first Step has not come.
  select,     ///< Draw the cohort; persist the open round.
  configure,  ///< Make room in the spool, open the sum, hand out tasks.
  report,     ///< Take updates.
  commit,     ///< Fold, build, persist, announce.
  paused,     ///< Between rounds: the target decides, or the job is over and says goodbye.
  stopped,    ///< Stop was given.
};
std::string_view PhaseName(Phase phase);

/// Every reason to wait there is. Each has a deadline or says that it has none and why.
enum class WaitKind : std::uint8_t {
  nothing,            ///< The next event decides at once.
  round_persisted,    ///< The store: the open round.
  spool_prepared,     ///< The disk: room for the round.
  updates,            ///< Participants: those named have not delivered.
  updates_persisted,  ///< The disk: updates received, not yet durable.
  sums_folded,        ///< The fold threads.
  version_built,      ///< The fold threads.
  version_stored,     ///< The disk: the chunks of the version before.
  version_persisted,  ///< The store: the commit.
  versions_dropped,   ///< The disk: the last removals of versions that are not kept.
  evaluation,         ///< The evaluator: the target decides on the next round, or it is behind.
  present,           ///< Participants: fewer than the quorum are connected (select_from = present).
  enrolment,         ///< The operator: fewer than the quorum are enrolled.
  disk_space,        ///< The operator: the disk is full; tried again at the deadline.
  goodbyes,          ///< Participants: told that the job is finished.
  drain,             ///< Uploads half received when the drain began.
  finish_persisted,  ///< The store: that the job is over.
};
std::string_view WaitKindName(WaitKind kind);

/// How many of each: of slots, by why their updates were refused.
using ReasonCounts = std::map<Reason, std::uint64_t>;
/// "2 not_finite, 1 out_of_bound"; empty for none.
std::string ReasonCountsText(const ReasonCounts& counts);

/// How much of a wait is asked for.
enum class WaitDetail : std::uint8_t {
  brief,  ///< Phase, kind and times; the rest is empty.
  full,   ///< With names, sentence and counts, which are made anew each time.
};

struct WaitState {
  Phase phase = Phase::starting;
  WaitKind kind = WaitKind::nothing;
  std::vector<RosterIndex> whom;     ///< Ascending; empty if no participant is awaited.
  std::int64_t since_ms = 0;         ///< How long it has waited.
  std::int64_t deadline_in_ms = -1;  ///< Left until `next` happens by itself; -1: no deadline.
  std::string next;                  ///< What happens then, or what ends the wait.
  ReasonCounts refused;              ///< Slots of this attempt that were refused and not accepted.
};

struct ParticipantStatus {
  RosterIndex index = 0;
  std::string name;
  bool revoked = false;
  bool connected = false;
  std::int64_t lease_left_ms = 0;
  bool in_cohort = false;
  bool accepted = false;  ///< Its update of the open round counts.
  std::string doing;  ///< "away", "idle", "working", "uploading 40 %", "stalled at 40 % for 12 s".
  MemberPace pace;
};

/// Of the open attempt.
struct DeadlineStatus {
  DeadlineKind kind = DeadlineKind::fixed;
  std::int64_t ms = 0;  ///< 0: no round is open.
  std::string why;      ///< Which deadline is in force and why; empty: no round is open.
  PaceEstimate seen;    ///< Now; the attempt's was decided when it opened.
};

struct StatusView {
  Round round = 0;
  Attempt attempt = 0;
  Version version = 0;
  Sha256Digest digest{};
  std::uint32_t lineage = 0;
  Epoch epoch;
  std::uint64_t starts = 0;
  std::uint64_t rounds = 0;
  std::uint32_t goal = 0;
  std::uint32_t quorum = 0;
  std::uint32_t accepted = 0;  ///< Of the open round's own updates.
  std::uint32_t late = 0;      ///< Of earlier rounds, which count beside them.
  WaitState wait;
  DeadlineStatus deadline;
  std::vector<ParticipantStatus> participants;
  std::map<std::string, std::uint64_t>
      counters;  ///< "updates_accepted", "refused.round_closed", ...
};

}  // namespace muster::coordinator
