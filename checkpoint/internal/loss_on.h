// Assessing and accepting loss on a file system of the caller's: for tests that inject faults.
#pragma once

#include <string>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/loss.h"

namespace muster::checkpoint {

/// As AssessLoss and AcceptLoss. `files` must be thread-safe.
Result<Loss> AssessLossOn(const FileSystemPtr& files, const std::string& state_dir, Version told,
                          const StateKey& key = {});
Result<Loss> AcceptLossOn(const FileSystemPtr& files, const std::string& state_dir,
                          const LossOrder& order, const StateKey& key = {});

}  // namespace muster::checkpoint
