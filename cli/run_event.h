// The events of a run, as metrics.jsonl holds them and `muster run` streams them: one JSON object a
// line. docs: README, "What a run tells".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"

namespace muster::cli {

enum class EventKind : std::uint8_t {
  started,    ///< A coordinator started.
  version,    ///< A version was committed: exactly once each, in order, over all restarts.
  attempt,    ///< A round below its quorum is tried again.
  restart,    ///< The supervisor started a child again.
  disk_full,  ///< The volume is full: the run waits for room.
  waiting,    ///< The run ends, but a child does not yet.
  lost,       ///< A child ended that another start cannot help.
  drained,    ///< The run stopped on request; the same command resumes it.
  failed,     ///< The run ended without having finished.
  finished,   ///< The job is over.
  summary,    ///< What the supervisor counted, after the end of each of its runs.
  ended,      ///< A process, or one of several participants in it, came to its end.
  other,      ///< Of a newer build: passed on as it is.
};

/// Why a finished run was not reproducible.
struct Cause {
  std::uint64_t round = 0;
  std::string cause;
  std::string who;
};

/// Fields that the event's kind does not have keep their defaults.
struct RunEvent {
  EventKind kind = EventKind::other;
  std::string line;  ///< As it was read, without the newline.
  std::uint64_t round = 0;
  std::uint64_t rounds = 0;
  std::uint64_t version = 0;
  std::uint64_t accepted = 0;
  std::uint64_t attempts = 0;  ///< Of an `attempt` event: its number.
  std::uint64_t starts = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  double seconds = 0;
  std::optional<double> accuracy;  ///< Nothing where evaluation is off.
  std::optional<double> loss;
  bool closed_by_deadline = false;
  bool reproducible = false;
  std::vector<Cause> causes;
  std::vector<std::string> cohort;
  std::string digest;
  std::string reason;
  std::string process;
  std::string exit;
  std::string message;
  std::string who;         ///< Whose end it is.
  std::string mirror;      ///< Of an end: what is said of the mirror, JSON; empty without one.
  std::string stragglers;  ///< Of an end: who was behind, JSON; empty if it says nothing.
  std::uint64_t pid = 0;
  std::map<std::string, std::uint64_t> restarts;  ///< By process.
  std::map<std::string, std::uint64_t> refusals;  ///< By reason.
  std::optional<int> exit_code;
};

/// Why something ended: what `failed` and `ended` events say, wherever they come from.
struct Ending {
  Reason reason = Reason::internal;
  std::string message;
  int exit_code = 0;
};

/// With the exit code that the error's reason has.
Ending EndingOf(const Error& error);
/// For people: the reason and the message, or what a process said last where it named no reason.
std::string TextOf(const Ending& ending);

/// finished, drained or failed.
bool EndsTheRun(EventKind kind);

/// Errors: file_malformed (no JSON object, or no "event" in it).
Result<RunEvent> ParseEvent(const std::string& line);

std::string RestartLine(const std::string& process, std::uint32_t count, const std::string& exit,
                        const std::string& message);
std::string LostLine(const std::string& process, const std::string& exit,
                     const std::string& message);
/// `where`: the directory whose volume is full.
std::string DiskFullLine(const std::string& where, std::uint64_t free_bytes,
                         const std::string& message);
std::string WaitingLine(const std::string& process, const std::string& message);
/// {"event":"failed","reason":...,"message":...,"exit_code":...}: how a run, or any command under
/// --format json, says that it failed.
std::string FailedLine(const Ending& ending);
/// The same as {"event":"ended","who":...}: of a process that served.
std::string EndedLine(const std::string& who, const Ending& ending);
/// Where the coordinator could not write its own.
std::string DrainedLine(std::uint64_t version, const std::string& message);

}  // namespace muster::cli
