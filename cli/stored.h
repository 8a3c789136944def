// Looking at a coordinator's state directory without a coordinator, read only. `key` is that of an
// encrypted state.
#pragma once

#include <optional>
#include <string>

#include "checkpoint/state_key.h"
#include "cli/output.h"
#include "common/error.h"
#include "common/ids.h"

namespace muster::cli {

struct Exported {
  Version version = 0;
  std::optional<Version> unstored;  ///< A newer one that is committed, but cannot be read yet.
};

/// Writes the model of a version (nothing: the newest that is held) as safetensors.
/// Errors: those of OpenCheckpointStore and ExportVersion.
Result<Exported> ExportStored(const std::string& state_dir, std::optional<Version> version,
                              const std::string& path, const StateKey& key = {});

/// What can be said of a state whose coordinator does not run.
Result<std::string> DescribeStopped(const std::string& state_dir, Format format,
                                    const StateKey& key = {});

/// Every version with its round, updates, accuracy, digest, and whether it is held: "soon" for
/// one that is committed but not stored yet.
Result<std::string> ListVersions(const std::string& state_dir, Format format,
                                 const StateKey& key = {});

/// One version (nothing: the newest): its tensors and its round record. Errors: not_found.
Result<std::string> ShowVersion(const std::string& state_dir, std::optional<Version> version,
                                Format format, const StateKey& key = {});

/// The roster. Errors: those of OpenCheckpointStore.
Result<std::string> ListRoster(const std::string& state_dir, Format format,
                               const StateKey& key = {});

}  // namespace muster::cli
