#include "aggregation/version.h"

#include <algorithm>
#include <bit>
#include <string>

#include "aggregation/floating_point.h"
#include "aggregation/lane.h"
#include "aggregation/magnitude.h"
#include "common/digest.h"
#include "common/limits.h"

namespace muster {

Sha256Digest VersionDigest(const ParameterLayout& layout,
                           std::span<const Sha256Digest> chunk_digests) {
  Sha256 hash;
  hash.Update(Sha256Of(layout.Encode()));
  for (const Sha256Digest& digest : chunk_digests) hash.Update(digest);
  return hash.Finish();
}

Result<ParameterSet> InitialVersion(const Strategy& strategy, const ParameterSet& model) {
  const auto state = StateLayout(strategy, model.layout());
  MUSTER_TRY(state);
  auto layout = ParameterLayout::Concatenate(model.layout(), *state);
  MUSTER_TRY(layout);
  ParameterSet version(std::move(*layout));
  std::copy(model.bytes().begin(), model.bytes().end(), version.bytes().begin());
  return version;
}

Result<VersionManifest> DescribeVersion(const ParameterSet& contents,
                                        std::uint32_t model_tensor_count, Version version) {
  const ParameterLayout& layout = contents.layout();
  const auto entries = layout.entries();
  MUSTER_TRY(CheckLaneLayout(layout));
  if (model_tensor_count > entries.size()) {
    return Error{Reason::config_invalid, "a model of " + std::to_string(model_tensor_count) +
                                             " tensors is expected and " +
                                             std::to_string(entries.size()) + " are there"};
  }
  VersionManifest manifest;
  manifest.version = version;
  manifest.tensors = layout.Specs();
  manifest.model_tensor_count = model_tensor_count;
  manifest.total_bytes = layout.total_bytes();
  manifest.model_bytes = model_tensor_count < entries.size()
                             ? entries[model_tensor_count].offset_bytes
                             : layout.total_bytes();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::uint32_t largest = LargestMagnitudeBits(std::as_bytes(contents.F32(i)));
    if (largest >= kInfinityBits) {
      return Error{Reason::diverged, "tensor " + entries[i].spec.name + " of version " +
                                         std::to_string(version) + " holds NaN or infinity"};
    }
    if (i < model_tensor_count) manifest.tensor_max_abs.push_back(std::bit_cast<float>(largest));
  }
  for (ByteSpan rest = contents.bytes(); !rest.empty();) {
    const ByteSpan chunk = rest.first(std::min(rest.size(), limits::kVersionChunkBytes));
    manifest.chunk_digests.push_back(Sha256Of(chunk));
    rest = rest.subspan(chunk.size());
  }
  manifest.digest = VersionDigest(layout, manifest.chunk_digests);
  return manifest;
}

}  // namespace muster
