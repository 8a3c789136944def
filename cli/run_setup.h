// What a federation on one machine needs before its first process starts.
#pragma once

#include <optional>
#include <string>

#include "cli/config.h"
#include "cli/run_event.h"
#include "cli/run_files.h"
#include "common/error.h"

namespace muster::cli {

/// Makes what is missing: the directories, a key pair for each participant, its enrolment in the
/// store, and config.toml, which the children read. Waits a moment for processes that are just
/// ending. Errors: state_in_use, damage, io_failed, disk_full and others of the store and the keys.
Status PrepareRun(const Config& config, const RunPaths& paths);

/// The event that ended this very job, if the store says that it is finished and `config` asks for
/// no more. Errors: as OpenCheckpointStore.
Result<std::optional<RunEvent>> FindFinished(const Config& config, const RunPaths& paths);

/// Exports the model of a finished job unless it stands there already, as its digest in the file
/// says: the supervisor that saw the end may have been killed before. Errors: as ExportStored.
Status EnsureExported(const RunEvent& finished, const RunPaths& paths);

}  // namespace muster::cli
