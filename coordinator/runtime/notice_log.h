// What a run tells the world: the event stream metrics.jsonl and the log's lines, from the core's
// notices.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/store.h"
#include "common/error.h"
#include "common/file.h"
#include "common/run_outcome.h"
#include "coordinator/core/effects.h"
#include "coordinator/core/status.h"
#include "coordinator/runtime/mirror_status.h"
#include "coordinator/runtime/process_log.h"
#include "coordinator/runtime/reproducible.h"
#include "coordinator/runtime/run_counts.h"
#include "coordinator/runtime/traffic.h"

namespace muster::coordinator {

/// The last version that the stream in `path` names, 0 if none; an unfinished last line does not
/// count. Errors: file_unreadable.
Result<Version> LastReportedVersion(const std::string& path);

/// Writes one line for each committed version, in order, exactly once over all starts: what a
/// process that was killed left out, the next one catches up on from the store. A line that cannot
/// be written is tried again with the next one. Not thread-safe: the loop thread's.
///
/// Lines, one JSON object each:
///  started   epoch, starts, pid, resumed_at_version
///  version   round, version, digest, accepted, late (of them), cohort [names], attempts,
///            closed_by_deadline, deadline_ms (of its last attempt, where it was adapted; else
///            null), accuracy, loss, examples (null if not evaluated), seconds, bytes_received,
///            bytes_sent (since the commit before or the start; 0 for a version that an earlier
///            process committed and could not report)
///  attempt   round, attempt, reason, refused {reason: slots of the attempt before}, message
///  warning   the same of an attempt that cannot reach its quorum; the message says what to do
///  mirror    state (failing, ok), and what MirrorJson says: when it begins to fail, fails for
///            another reason, or goes on
///  finished  rounds, version, digest, accuracy, loss, reproducible, causes [{round, cause, who}],
///            attempts (of all rounds), starts
///  drained   round, version, digest, starts
///  failed    reason, message, exit_code, round, version, digest, starts
/// The last three also have stragglers (StragglersJson) and what this process counted:
/// bytes_received, bytes_sent (Traffic), counters and refusals (RunCounts), and mirror (MirrorJson)
/// if there is one.
class NoticeLog {
 public:
  struct Setup {
    CheckpointStore& store;
    Traffic& traffic;
    ProcessLog& log;
    LineLog metrics;
    bool evaluated = true;  ///< Versions are reported once evaluated, else once committed.
    Version reported = 0;   ///< LastReportedVersion, at most the head's.
    Version head_at_start = 0;
    MonotonicMs started_at = 0;
  };

  explicit NoticeLog(Setup setup);

  void OnRoster(std::span<const RosterEntry> roster);
  void OnEvaluation(const EvaluationRecord& record);
  void OnNotice(const Notice& notice, MonotonicMs now);
  void OnMirror(const MirrorStatus& status);

  void WriteStarted(const EpochRecord& epoch, Version head);
  /// The end of a run whose judgement is `verdict` (used where it is finished). `mirror`: nothing
  /// if there is none.
  void WriteEnd(const RunOutcome& outcome, const StatusView& status, const RunCounts& counts,
                const Reproducibility& verdict, const std::optional<MirrorStatus>& mirror);

  /// The last version that has its line.
  Version reported() const { return setup_.reported; }
  /// The newest evaluation there is.
  std::optional<EvaluationRecord> NewestEvaluation() const;

 private:
  struct CommitFacts {
    double seconds = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
  };

  void OnCommitted(Version version, MonotonicMs now);
  /// Writes the lines of all versions up to this one that have none.
  void ReportUpTo(Version version);
  std::string VersionLine(const RoundRecord& record) const;
  std::vector<std::string> CohortNames(const RoundRecord& record) const;
  bool Append(const std::string& line);
  void ReportAttempt(const Notice& notice);
  void LogRefusal(const Notice& notice, MonotonicMs now);

  Setup setup_;
  std::map<RosterIndex, std::string> names_;
  std::map<Version, EvaluationRecord> evaluations_;  ///< Of versions to report, and the newest.
  std::map<Version, CommitFacts> commits_;           ///< Of versions to report.
  MonotonicMs last_commit_at_;
  std::uint64_t last_received_ = 0;
  std::uint64_t last_sent_ = 0;
  // Refusals come at the will of peers: the log takes so many a second and counts the rest.
  MonotonicMs refusals_since_ = 0;
  std::uint64_t refusals_logged_ = 0;
  std::uint64_t refusals_left_out_ = 0;
};

}  // namespace muster::coordinator
