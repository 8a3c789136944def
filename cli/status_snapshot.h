// What a coordinator says of itself, read from the JSON of its admin socket, and as people see it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/run_files.h"
#include "common/error.h"

namespace muster::cli {

struct ParticipantLine {
  std::uint32_t index = 0;
  std::string name;
  std::string state;  ///< "connected", "away", "revoked".
  std::string doing;
  bool in_cohort = false;
  bool accepted = false;
  std::optional<std::int64_t> typical_ms;  ///< Of its last updates; nothing: none was seen.
  std::uint64_t late = 0;                  ///< Rounds that closed without it.
  std::uint64_t missed = 0;                ///< Deadlines that passed while it was awaited.
};

struct MirrorLine {
  std::string dir;
  std::optional<std::uint64_t> version;  ///< The newest there; nothing: none.
  std::uint64_t behind = 0;              ///< Versions that it lacks.
  std::vector<std::uint64_t> damaged;    ///< Of the state: left out.
  bool same_volume = false;              ///< As the state: a warning.
  std::string reason;                    ///< Why it fails; empty: it does not.
  std::string message;
};
/// Nothing from an object of another shape. `text`: what the coordinator says of its mirror, JSON.
std::optional<MirrorLine> ParseMirror(const std::string& text);
/// "/backup: version 12, 1 behind; disk_full: cannot write ..."
std::string DescribeMirror(const MirrorLine& mirror);

struct StatusSnapshot {
  std::string job;
  int pid = 0;
  std::string phase;
  std::uint64_t round = 0;
  std::uint64_t rounds = 0;
  std::uint64_t attempt = 0;
  std::uint64_t version = 0;
  std::string digest;
  std::uint64_t lineage = 0;
  std::uint64_t epoch = 0;
  std::uint64_t starts = 0;
  std::uint64_t goal = 0;
  std::uint64_t quorum = 0;
  std::uint64_t accepted = 0;
  std::uint64_t late = 0;
  std::optional<double> accuracy;
  std::optional<double> loss;
  std::string waiting_for;
  std::vector<std::string> awaited;
  std::int64_t waiting_since_ms = 0;
  std::optional<std::int64_t> deadline_in_ms;
  std::string deadline;                   ///< Which one is in force and why.
  std::optional<std::int64_t> median_ms;  ///< Of what updates took; nothing: none was seen.
  std::string next;
  std::vector<ParticipantLine> participants;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::map<std::string, std::uint64_t> refusals;  ///< By reason, of this coordinator process.
  /// By reason: how often participants would not follow this coordinator process.
  std::map<std::string, std::uint64_t> refused_by_participants;
  std::optional<MirrorLine> mirror;  ///< Nothing: there is none.
};

/// Errors: malformed_message; or the reason and message of a refusal.
Result<StatusSnapshot> ParseStatus(const std::string& reply);

/// The same with "supervisor_pid" and each participant's "pid" added from `run`, as JSON.
/// REQUIRES: ParseStatus accepts `reply`.
std::string StatusWithPids(const std::string& reply, const RunState& run);

/// A page of lines. `run` may be empty: then there are no pids of participants.
std::string RenderStatus(const StatusSnapshot& status, const std::optional<RunState>& run);

/// One sentence on what is awaited: "updates of site-3, site-7 for 1.2 s, at most 58.8 s more; then
/// the round closes".
std::string DescribeWait(const StatusSnapshot& status);

}  // namespace muster::cli
