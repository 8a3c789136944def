// The data that a job needs on this machine.
#pragma once

#include "cli/config.h"
#include "common/error.h"

namespace muster::cli {

/// A first look: where the job's data lies in files, data.dir is set and holds them. Says it before
/// any process is started that would only fail. Errors: config_invalid, file_malformed.
Status CheckLocalData(const Config& config);

}  // namespace muster::cli
