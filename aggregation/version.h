// A version: the model's tensors, then the server state's, as one ParameterSet, and its digest.
#pragma once

#include <cstdint>
#include <span>

#include "aggregation/strategy.h"
#include "common/error.h"
#include "common/ids.h"
#include "model/parameter_set.h"
#include "protocol/records.h"

namespace muster {

/// The identity of a version, for ever:
///   SHA-256( SHA-256(layout.Encode()) || SHA-256(chunk 0) || SHA-256(chunk 1) || ... )
/// over the version's whole buffer, gaps included, in chunks of limits::kVersionChunkBytes (the
/// last may be shorter).
Sha256Digest VersionDigest(const ParameterLayout& layout,
                           std::span<const Sha256Digest> chunk_digests);

/// `model` with the strategy's server state behind it, all zero: version 0, or an import.
/// Errors: as ParameterLayout::Create.
Result<ParameterSet> InitialVersion(const Strategy& strategy, const ParameterSet& model);

/// The manifest of a whole version. The first `model_tensor_count` tensors are the model's.
/// Errors: unsupported (a tensor that is not f32), diverged (NaN or infinity; names the tensor),
/// config_invalid (fewer tensors than model_tensor_count).
Result<VersionManifest> DescribeVersion(const ParameterSet& contents,
                                        std::uint32_t model_tensor_count, Version version);

}  // namespace muster
