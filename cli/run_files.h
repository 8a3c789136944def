// What `muster run` keeps in its state directory beside the coordinator's files, and which
// processes it has: run.json.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"

namespace muster::cli {

/// The paths below a state directory.
struct RunPaths {
  std::string state;

  std::string Lock() const { return state + "/run.lock"; }
  std::string RunFile() const { return state + "/run.json"; }
  /// How much of the event log was shown: so that a supervisor that follows a killed one goes on.
  std::string Shown() const { return state + "/run.shown"; }
  std::string EffectiveConfig() const { return state + "/config.toml"; }
  std::string Events() const { return state + "/metrics.jsonl"; }
  std::string Endpoints() const { return state + "/endpoints.json"; }
  std::string CoordinatorLog() const { return state + "/coordinator.log"; }
  std::string Model() const { return state + "/model.safetensors"; }
  std::string Participants() const { return state + "/participants"; }
  std::string Participant(const std::string& name) const { return Participants() + "/" + name; }
};

/// "participant-07": what the participant of this number is called.
std::string ParticipantName(const std::string& names, std::uint32_t number);

struct RunProcess {
  std::vector<std::string> names;  ///< Participants hosted by it; empty for the coordinator.
  pid_t pid = 0;                   ///< 0: not running now.
  std::uint32_t restarts = 0;
};

struct RunState {
  pid_t supervisor_pid = 0;
  RunProcess coordinator;
  std::vector<RunProcess> processes;
};

/// Errors: as WriteFileAtomically.
Status WriteRunState(const std::string& path, const RunState& state);
/// Errors: as ReadFile; file_malformed.
Result<RunState> ReadRunState(const std::string& path);

/// Errors: io_failed, disk_full.
Status WriteShown(const std::string& path, std::uint64_t offset);
/// 0 if there is no such file, or no line of `events` ends there: the log was removed since, and
/// what is written anew is shown anew.
std::uint64_t ReadShown(const std::string& path, const std::string& events);

}  // namespace muster::cli
