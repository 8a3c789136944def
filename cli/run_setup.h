// What a federation on one machine needs before its first process starts. `key`: FindStateKey of
// its configuration.
#pragma once

#include <optional>
#include <string>

#include "checkpoint/state_key.h"
#include "cli/config.h"
#include "cli/run_event.h"
#include "cli/run_files.h"
#include "cli/run_summary.h"
#include "common/error.h"

namespace muster::cli {

/// Makes what is missing: the directories, a key pair for each participant, its enrolment in the
/// store, and config.toml, which the children read. Waits a moment for processes that are just
/// ending. Checks first what would only make the processes fail: the data of this machine, and that
/// job and participants are those of the state directory. Errors: config_invalid, config_changed,
/// already_exists (a participant's key is another's), state_in_use, damage, io_failed, disk_full
/// and others of the store and the keys.
Status PrepareRun(const Config& config, const RunPaths& paths, const StateKey& key);

/// How this very job ended, if the store says that it is finished and `config` asks for no more:
/// the event, and the summary over all runs of the directory as far as the event log tells it.
/// Nothing also where the log does not tell of the end: the coordinator then writes it anew.
/// Errors: as OpenCheckpointStore.
Result<std::optional<RunSummary>> FindFinished(const Config& config, const RunPaths& paths,
                                               const StateKey& key);

/// Exports the model of a finished job unless it stands there already, as its digest in the file
/// says: the supervisor that saw the end may have been killed before. Errors: as ExportStored.
Status EnsureExported(const RunEvent& finished, const RunPaths& paths, const StateKey& key);

}  // namespace muster::cli
