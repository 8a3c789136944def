#include "checkpoint/copy_version.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "checkpoint/load.h"

namespace muster {
namespace {

RoundRecord CopyRecord(const CopyOrder& order, const RecoveredState& state,
                       const Sha256Digest& digest) {
  RoundRecord record;
  record.version = std::max(state.head->version, order.above) + 1;
  record.round = record.version;
  record.parent = order.source;
  record.lineage = order.lineage ? order.lineage->id.number : state.lineages.back().id.number;
  record.digest = digest;
  record.attempts = 0;  // Nobody was asked for anything.
  return record;
}

/// Everything about the source that can be checked without its chunks.
Result<VersionManifest> SourceManifest(CheckpointStore& store, Version source) {
  auto manifest = store.ReadManifest(source);
  MUSTER_TRY(manifest);
  MUSTER_TRY(ModelLayoutOf(*manifest));
  const auto record = store.ReadRoundRecord(source);
  MUSTER_TRY(record);
  if (record->digest != manifest->digest) {
    return Error{Reason::damage, "the manifest of version " + std::to_string(source) +
                                     " is not the one that its record names"};
  }
  return manifest;
}

Status WriteChunks(CheckpointStore& store, const VersionManifest& source, Version copy) {
  auto writer = store.BeginVersion(copy);
  MUSTER_TRY(writer);
  MUSTER_TRY(StreamVersion(store, source, source.total_bytes,
                           [&](ByteSpan chunk) { return (*writer)->Append(chunk); }));
  return (*writer)->Finish();
}

Batch CopyBatch(const CopyOrder& order, const RecoveredState& state, VersionManifest manifest,
                const RoundRecord& record) {
  manifest.version = record.version;
  Batch batch;
  if (order.lineage) batch.mutations.push_back(PutLineage{*order.lineage});
  batch.mutations.push_back(PutVersion{std::move(manifest)});
  batch.mutations.push_back(PutRoundRecord{record});
  batch.mutations.push_back(ClearOpenRound{});
  batch.mutations.push_back(ClearAccepted{record.round});
  for (const AcceptedUpdate& update : state.accepted) {
    batch.mutations.push_back(
        PutFate{{update.id, update.digest, /*committed=*/false, 0, Reason::round_closed}});
  }
  if (state.finish) batch.mutations.push_back(ClearFinish{});
  return batch;
}

}  // namespace

bool IsCopy(const RoundRecord& record) { return record.version > 0 && record.accepted.empty(); }

LineageRecord NextLineage(const std::vector<LineageRecord>& lineages, Version fork_version,
                          std::uint64_t nonce) {
  MUSTER_CHECK(!lineages.empty(), "a lineage that goes on from none");
  const std::uint32_t last = lineages.back().id.number;
  return {{last + 1, nonce}, last, fork_version};
}

Result<RoundRecord> CommitCopy(CheckpointStore& store, const CopyOrder& order) {
  const RecoveredState& state = store.recovered();
  if (!state.head || state.lineages.empty()) {
    return Error{Reason::not_found, "the state holds no version yet: no coordinator ever ran"};
  }
  auto source = SourceManifest(store, order.source);
  MUSTER_TRY(source);
  const RoundRecord record = CopyRecord(order, state, source->digest);
  MUSTER_TRY(WriteChunks(store, *source, record.version));
  MUSTER_TRY(store.Write(CopyBatch(order, state, std::move(*source), record)));
  return record;
}

}  // namespace muster
