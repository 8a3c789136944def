// Looking at a coordinator's state directory without a coordinator, read only.
#pragma once

#include <optional>
#include <string>

#include "cli/output.h"
#include "common/error.h"
#include "common/ids.h"

namespace muster::cli {

/// Writes the model of a version (nothing: the newest) as safetensors; returns which one it was.
/// Errors: those of OpenCheckpointStore and ExportVersion.
Result<Version> ExportStored(const std::string& state_dir, std::optional<Version> version,
                             const std::string& path);

/// What can be said of a state whose coordinator does not run.
Result<std::string> DescribeStopped(const std::string& state_dir, Format format);

/// Every version with its round, updates, accuracy, whether it is held, and digest.
Result<std::string> ListVersions(const std::string& state_dir, Format format);

/// One version (nothing: the newest): its tensors and its round record. Errors: not_found.
Result<std::string> ShowVersion(const std::string& state_dir, std::optional<Version> version,
                                Format format);

/// The roster. Errors: those of OpenCheckpointStore.
Result<std::string> ListRoster(const std::string& state_dir, Format format);

}  // namespace muster::cli
