#include "checkpoint/load.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aggregation/version.h"
#include "common/limits.h"

namespace muster {
namespace {

Error Inconsistent(const VersionManifest& manifest, std::string_view what) {
  return Error{Reason::damage, "the manifest of version " + std::to_string(manifest.version) +
                                   " contradicts itself: " + std::string(what)};
}

// The layout of all tensors, once everything that the manifest says of itself holds.
Result<ParameterLayout> LayoutOf(const VersionManifest& manifest) {
  auto layout = ParameterLayout::Create(manifest.tensors);
  if (!layout) return Inconsistent(manifest, layout.error().message);
  if (layout->total_bytes() != manifest.total_bytes) {
    return Inconsistent(manifest, "its tensors have another size");
  }
  const std::uint64_t chunks =
      (manifest.total_bytes + limits::kVersionChunkBytes - 1) / limits::kVersionChunkBytes;
  if (manifest.chunk_digests.size() != chunks) {
    return Inconsistent(manifest, "it lists " + std::to_string(manifest.chunk_digests.size()) +
                                      " chunks of " + std::to_string(chunks));
  }
  if (VersionDigest(*layout, manifest.chunk_digests) != manifest.digest) {
    return Inconsistent(manifest, "its digest is not that of its chunks");
  }
  return layout;
}

Result<ParameterSet> LoadInto(CheckpointStore& store, const VersionManifest& manifest,
                              ParameterLayout layout) {
  ParameterSet parameters(std::move(layout));
  MutableByteSpan rest = parameters.bytes();
  const auto take = [&](ByteSpan piece) -> Status {
    std::copy(piece.begin(), piece.end(), rest.begin());
    rest = rest.subspan(piece.size());
    return {};
  };
  MUSTER_TRY(StreamVersion(store, manifest, rest.size(), take));
  return parameters;
}

}  // namespace

Result<ParameterLayout> ModelLayoutOf(const VersionManifest& manifest) {
  auto whole = LayoutOf(manifest);
  MUSTER_TRY(whole);
  if (manifest.model_tensor_count > manifest.tensors.size()) {
    return Inconsistent(manifest, "the model has more tensors than the version");
  }
  std::vector<TensorSpec> specs(manifest.tensors.begin(),
                                manifest.tensors.begin() + manifest.model_tensor_count);
  auto layout = ParameterLayout::Create(std::move(specs));
  if (!layout) return Inconsistent(manifest, layout.error().message);
  if (layout->total_bytes() != manifest.model_bytes) {
    return Inconsistent(manifest, "the model's tensors have another size");
  }
  return layout;
}

Result<ParameterSet> LoadVersion(CheckpointStore& store, const VersionManifest& manifest) {
  auto layout = LayoutOf(manifest);
  MUSTER_TRY(layout);
  return LoadInto(store, manifest, std::move(*layout));
}

Result<ParameterSet> LoadModel(CheckpointStore& store, const VersionManifest& manifest) {
  auto layout = ModelLayoutOf(manifest);
  MUSTER_TRY(layout);
  return LoadInto(store, manifest, std::move(*layout));
}

Status StreamVersion(CheckpointStore& store, const VersionManifest& manifest, std::uint64_t bytes,
                     const std::function<Status(ByteSpan)>& take) {
  MUSTER_CHECK(bytes <= manifest.total_bytes, "more bytes than the version has");
  for (std::uint64_t offset = 0; offset < bytes; offset += limits::kVersionChunkBytes) {
    const auto index = static_cast<std::uint32_t>(offset / limits::kVersionChunkBytes);
    auto chunk = store.ReadVersionChunk(manifest, index);
    MUSTER_TRY(chunk);
    const std::uint64_t expected =
        std::min<std::uint64_t>(limits::kVersionChunkBytes, manifest.total_bytes - offset);
    if (chunk->size() != expected) {
      return Inconsistent(manifest, "chunk " + std::to_string(index) + " has another size");
    }
    MUSTER_TRY(take(ByteSpan(*chunk).first(std::min(expected, bytes - offset))));
  }
  return {};
}

}  // namespace muster
