#include "checkpoint/export.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "checkpoint/load.h"
#include "common/bytes.h"
#include "model/job.h"
#include "model/safetensors.h"

namespace muster {
namespace {

Result<SafetensorsMetadata> MetadataOf(CheckpointStore& store, const VersionManifest& manifest) {
  SafetensorsMetadata metadata{{"muster.version", std::to_string(manifest.version)},
                               {"muster.digest", Hex(manifest.digest)}};
  if (store.recovered().job) {
    auto job = DecodeJob(store.recovered().job->job);
    if (!job) return Error{Reason::damage, "the stored job: " + job.error().message};
    metadata["muster.job"] = job->name;
  }
  auto record = store.ReadRoundRecord(manifest.version);
  // The initial model follows from no round.
  if (!record && record.error().reason != Reason::not_found) return std::move(record.error());
  metadata["muster.round"] = std::to_string(record ? record->round : 0);
  return metadata;
}

Result<VersionManifest> FindManifest(CheckpointStore& store, std::optional<Version> version) {
  // By now: a store in use has moved on since it was opened.
  const std::vector<Version> held = store.HeldVersions();
  if (version) {
    auto manifest = store.ReadManifest(*version);
    MUSTER_TRY(manifest);
    if (std::ranges::find(held, *version) != held.end()) return manifest;
    const std::string name = "version " + std::to_string(*version);
    if (!held.empty() && *version < held.back()) {
      return Error{Reason::not_found,
                   name +
                       " is not held any more, only its record is: checkpoint.keep_last and "
                       "checkpoint.keep_every say which versions are kept, `muster checkpoints "
                       "ls` which are there"};
    }
    return Error{Reason::not_found, name +
                                        " is committed but not stored yet; a running coordinator "
                                        "stores it in a moment, a stopped one at its next start"};
  }
  if (held.empty()) return Error{Reason::not_found, "the checkpoint holds no version yet"};
  return store.ReadManifest(held.back());
}

Error Mismatch(const std::string& path, const std::string& tensor, std::string_view what) {
  return Error{Reason::config_invalid,
               path + " does not fit the job's model: tensor " + tensor + " " + std::string(what)};
}

}  // namespace

Result<Version> ExportVersion(CheckpointStore& store, std::optional<Version> version,
                              const std::string& path) {
  auto manifest = FindManifest(store, version);
  MUSTER_TRY(manifest);
  auto layout = ModelLayoutOf(*manifest);
  MUSTER_TRY(layout);
  auto metadata = MetadataOf(store, *manifest);
  MUSTER_TRY(metadata);
  auto writer = SafetensorsWriter::Create(path, *layout, *metadata);
  MUSTER_TRY(writer);
  MUSTER_TRY(StreamVersion(store, *manifest, manifest->model_bytes,
                           [&](ByteSpan piece) { return writer->Append(piece); }));
  MUSTER_TRY(writer->Commit());
  return manifest->version;
}

Result<ParameterSet> ImportModel(const std::string& path, const ParameterLayout& layout) {
  auto file = ReadSafetensors(path);
  MUSTER_TRY(file);
  const ParameterLayout& given = file->parameters.layout();
  for (const ParameterLayout::Entry& entry : given.entries()) {
    if (!layout.Find(entry.spec.name)) return Mismatch(path, entry.spec.name, "is not part of it");
  }
  ParameterSet model(layout);
  for (const ParameterLayout::Entry& entry : layout.entries()) {
    const ParameterLayout::Entry* const source = given.Find(entry.spec.name);
    if (source == nullptr) return Mismatch(path, entry.spec.name, "is missing in the file");
    if (source->spec != entry.spec) {
      return Mismatch(path, entry.spec.name, "has another dtype or shape");
    }
    const ByteSpan bytes = std::as_const(file->parameters).bytes();
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(source->offset_bytes), entry.size_bytes,
                model.bytes().begin() + static_cast<std::ptrdiff_t>(entry.offset_bytes));
  }
  return model;
}

}  // namespace muster
