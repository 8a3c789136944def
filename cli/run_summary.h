// The end of a run, as people see it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/run_event.h"

namespace muster::cli {

struct RunSummary {
  std::optional<RunEvent> end;  ///< finished, drained or failed.
  std::optional<RunEvent> last_version;
  std::uint64_t rounds = 0;                                     ///< Asked for.
  std::vector<std::pair<std::string, std::uint32_t>> restarts;  ///< By process, those that had any.
  std::map<std::string, std::uint64_t> refusals;  ///< By reason, over all starts seen by this run.
  double seconds = 0;                             ///< Of this run of the supervisor.
  bool counts_known = true;  ///< False: nobody counted restarts, refusals and seconds.
  std::string model_path;    ///< Where the model was exported to; empty if it was not.
};

/// Aligned lines: outcome, rounds, accuracy, digest, reproducible and why not, restarts, refusals,
/// duration, model; then a table of those who were behind the others, if any.
std::string RenderSummary(const RunSummary& summary);

/// Over all runs of a state directory, from the lines of its event log: restarts as they were told,
/// refusals and seconds added up from the `summary` of each run. A supervisor that was killed left
/// none. `rounds` and `model_path` stay open.
RunSummary SummaryOf(const std::vector<std::string>& lines);

/// The same as one JSON object {"event":"summary",...}. Its `rounds` are those done, as in the
/// event `finished`; null if this run learned of none.
std::string SummaryLine(const RunSummary& summary);

}  // namespace muster::cli
