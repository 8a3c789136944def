// Models out of a checkpoint and into a new job, as safetensors files that other tools read.
#pragma once

#include <optional>
#include <string>

#include "checkpoint/store.h"
#include "common/error.h"
#include "common/ids.h"
#include "model/parameter_set.h"

namespace muster {

/// Writes the model of `version` (nothing: the newest that is held) to `path`, durably, replacing a
/// file there; the server state stays behind. The metadata say muster.job, muster.version,
/// muster.round and muster.digest (of the version, server state included). Holds one chunk in
/// memory. Returns the version written. Errors: not_found (no such version, none at all, one that
/// is committed but not stored, or one that is not held any more), damage, disk_full, io_failed,
/// and those of SafetensorsWriter.
Result<Version> ExportVersion(CheckpointStore& store, std::optional<Version> version,
                              const std::string& path);

/// Reads weights to start a job with: tensors of exactly the names, dtypes and shapes of `layout`,
/// in any order. Errors: config_invalid (names the first tensor that is missing, surplus or
/// different), and those of ReadSafetensors.
Result<ParameterSet> ImportModel(const std::string& path, const ParameterLayout& layout);

}  // namespace muster
