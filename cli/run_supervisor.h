// `muster run`: a whole federation on this machine as real processes, watched by this one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/state_key.h"
#include "cli/config.h"
#include "cli/event_tail.h"
#include "cli/run_files.h"
#include "cli/run_output.h"
#include "cli/supervisor_child.h"
#include "common/error.h"
#include "common/file.h"
#include "coordinator/core/core.h"

namespace muster::cli {

/// With less free on the state's volume, children that a disk fails are taken to want room.
inline constexpr std::uint64_t kRoomReserveBytes = coordinator::kDiskReserveBytes;

/// Starts the coordinator and then the participants, starts again those that end too early, follows
/// metrics.jsonl, drains on request, and ends with everybody else. Children are killed if this
/// process dies. One per process; single-threaded.
class RunSupervisor {
 public:
  /// `signal_fd`: a non-blocking signalfd of SIGTERM, SIGINT, SIGHUP and SIGCHLD, which must be
  /// blocked. `key`: FindStateKey of the configuration. REQUIRES: PrepareRun succeeded and run.lock
  /// is held.
  RunSupervisor(const Config& config, RunPaths paths, StateKey key, int signal_fd,
                RunOutput& output);

  /// Returns the exit code of the run. Errors: those of opening the event log, before anybody is
  /// started; later ones end the run as failed.
  Result<int> Run();

 private:
  enum class Course : std::uint8_t { running, finishing, draining, failing };

  /// How a process ended, or why it was not started.
  struct Death {
    ChildExit exit;
    std::string how;  ///< For events: "signal 9", "code 1", "not started".
    Ending words;     ///< What it said last.
  };

  void AddChildren();
  /// An error of this process's own ends the run as failed, unless it ends already.
  void Guard(const Status& step);
  /// Sleeps until a signal or the next tick.
  void WaitForSignals();
  Status Reap();
  Status OnCoordinatorExit(const Death& death);
  /// As soon as the store is free: this process may be killed while the others say farewell.
  void ExportModel();
  Status OnParticipantExit(SupervisorChild& child, Death death);
  /// Hears of participants that gave up while the process that hosts them goes on.
  Status HearHosts();
  Status HearDepartures(SupervisorChild& child);
  /// One of several is gone for good, or until its process is started again.
  Status OnDeparture(SupervisorChild& child, const std::string& name, const Ending& ending);
  /// Those that take part or will after a start.
  std::uint64_t ParticipantsLeft() const;
  /// Ends the run if those left are fewer than its quorum.
  void FailBelowQuorum(const std::string& who, const Ending& last);
  /// Why a start cannot help a participant that lost its directory; nothing if it has it.
  std::optional<Ending> Vanished(const std::string& name) const;
  void FailAfterMany(const std::string& who, const Death& death);
  /// Judges the end; tells of a restart. Returns the verdict.
  Result<RestartVerdict> JudgeAndTell(SupervisorChild& child, const Death& death);
  /// Less than kRoomReserveBytes are free.
  bool LacksRoom() const;
  /// True of an end that is over once the volume has room.
  bool WantsRoom(const Ending& ending) const;
  void WatchRoom();
  /// Once, until a version was committed and there is room again. `words`: what a process that
  /// ended for want of room said of it.
  void TellFull(const Ending* words = nullptr);
  Status TellLost(const std::string& who, const std::string& how, const Ending& last);
  /// A full disk is the coordinator's to wait out, and so is a log that it was stopped in the
  /// middle of writing: what only tells the tale may be missing then.
  Status Outlive(const Status& written);
  Status ReadEvents();
  void OnEvent(const RunEvent& event);
  Status StartDue();
  /// Nobody is started any more; those that do not end by themselves are told to, then killed.
  void EndAll(Course course, std::int64_t term_in_ms);
  void Fail(const Ending& ending);
  void Escalate();
  /// Says, once, which children take their time to end.
  void TellWaiting();
  void AskStatus();
  void Show();
  bool IsOver() const;
  Status SaveRunState();
  int Conclude();
  /// Appends an event of this process's own, and shows it.
  void Tell(const std::string& line);
  RunSummary Summarise() const;

  const Config& config_;
  RunPaths paths_;
  StateKey key_;
  int signal_fd_;
  RunOutput& output_;
  EventTail tail_;
  std::optional<LineLog> events_;
  std::vector<SupervisorChild> children_;  ///< The coordinator first.
  Course course_ = Course::running;
  int exit_code_ = 0;
  Ending failure_;
  std::int64_t started_ms_;
  std::int64_t term_at_ms_ = 0;
  std::int64_t kill_at_ms_ = 0;
  std::int64_t tell_at_ms_ = 0;
  std::int64_t status_at_ms_ = 0;
  std::int64_t hosts_at_ms_ = 0;
  std::int64_t room_at_ms_ = 0;
  bool full_told_ = false;
  bool status_wanted_ = false;
  std::optional<RunEvent> end_;
  std::string last_line_;  ///< Of the event shown last.
  int coordinator_pid_ = 0;
  LiveState live_;
  /// By coordinator process: its counts begin anew at every start.
  std::map<int, std::map<std::string, std::uint64_t>> refusals_;
};

}  // namespace muster::cli
