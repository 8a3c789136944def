// Stored versions as parameters in memory, verified on the way.
#pragma once

#include <functional>

#include "checkpoint/store.h"
#include "common/bytes.h"
#include "common/error.h"
#include "model/parameter_set.h"
#include "protocol/records.h"

namespace muster {

/// The whole version: the model's tensors, then the server state's. Checks that the manifest is
/// consistent and has the digest it names, and each chunk against the manifest.
/// Errors: not_found (a chunk is not held), damage, io_failed.
Result<ParameterSet> LoadVersion(CheckpointStore& store, const VersionManifest& manifest);

/// The model alone; the server state's chunks are not read. As LoadVersion otherwise.
Result<ParameterSet> LoadModel(CheckpointStore& store, const VersionManifest& manifest);

/// The model's layout, after the checks of LoadVersion that need no chunk. Errors: damage.
Result<ParameterLayout> ModelLayoutOf(const VersionManifest& manifest);

/// Hands the first `bytes` of the version to `take` in order, chunk by verified chunk; stops at its
/// first error. Holds one chunk in memory. REQUIRES: bytes <= manifest.total_bytes.
/// Errors: not_found, damage, io_failed, those of `take`.
Status StreamVersion(CheckpointStore& store, const VersionManifest& manifest, std::uint64_t bytes,
                     const std::function<Status(ByteSpan)>& take);

}  // namespace muster
