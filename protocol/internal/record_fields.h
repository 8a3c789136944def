// The fields of ids and records in the order in which they are archived. Order and widths are the
// format: change them only together with kRecordFormat (records) or kProtocolVersion (messages).
#pragma once

#include "protocol/internal/archive.h"
#include "protocol/records.h"

namespace muster {

inline bool IsKnown(Reason reason) {
  return ReasonFromNumber(static_cast<std::uint8_t>(reason)).has_value();
}
inline bool IsKnown(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::i64;
}

// Cereal finds these by name.
// NOLINTBEGIN(readability-identifier-naming)

template <typename Archive>
void serialize(Archive& archive, LineageId& id) {
  archive(id.number, id.nonce);
}
template <typename Archive>
void serialize(Archive& archive, Epoch& epoch) {
  archive(epoch.number, epoch.nonce);
}
template <typename Archive>
void serialize(Archive& archive, Incarnation& incarnation) {
  archive(incarnation.bytes);
}
template <typename Archive>
void serialize(Archive& archive, UpdateId& id) {
  archive(id.lineage, id.round, id.slot, id.task);
}
template <typename Archive>
void serialize(Archive& archive, PublicKey& key) {
  archive(key.bytes);
}
template <typename Archive>
void serialize(Archive& archive, TensorSpec& spec) {
  archive(spec.name, spec.dtype, spec.shape);
}

template <typename Archive>
void serialize(Archive& archive, LineageRecord& record) {
  archive(record.id, record.parent_number, record.fork_version);
}
template <typename Archive>
void serialize(Archive& archive, JobRecord& record) {
  archive(record.job, record.digest, record.trainer_deterministic);
}
template <typename Archive>
void serialize(Archive& archive, EpochRecord& record) {
  archive(record.epoch, record.starts);
}
template <typename Archive>
void serialize(Archive& archive, RosterEntry& entry) {
  archive(entry.index, entry.name, entry.key, entry.revoked);
}
template <typename Archive>
void serialize(Archive& archive, TensorScale& scale) {
  archive(scale.bound_log2, scale.scale_log2);
}
template <typename Archive>
void serialize(Archive& archive, SpoolExtent& extent) {
  archive(extent.index);
}
template <typename Archive>
void serialize(Archive& archive, AcceptedUpdate& update) {
  archive(update.id, update.counts_in, update.digest, update.weight, update.base_version,
          update.client_version, update.from, update.attempt, update.extent);
}
template <typename Archive>
void serialize(Archive& archive, OpenRound& round) {
  archive(round.round, round.parent, round.attempt, round.eligible, round.first_drawn, round.cohort,
          round.bound_raise, round.deadline_ms, round.deadline_consumed_ms);
}
template <typename Archive>
void serialize(Archive& archive, RecordedUpdate& update) {
  archive(update.id, update.digest, update.weight, update.factor, update.base_version,
          update.client_version);
}
template <typename Archive>
void serialize(Archive& archive, RoundRecord& record) {
  archive(record.round, record.version, record.parent, record.lineage, record.eligible,
          record.first_drawn, record.accepted, record.weight_sum, record.unfinished,
          record.bound_raise, record.scales, record.digest, record.attempts,
          record.closed_by_deadline, record.deadline_ms);
}
template <typename Archive>
void serialize(Archive& archive, VersionManifest& manifest) {
  archive(manifest.version, manifest.digest, manifest.tensors, manifest.model_tensor_count,
          manifest.model_bytes, manifest.total_bytes, manifest.chunk_digests,
          manifest.tensor_max_abs);
}
template <typename Archive>
void serialize(Archive& archive, UpdateFate& fate) {
  archive(fate.id, fate.digest, fate.committed, fate.version, fate.reason);
}
template <typename Archive>
void serialize(Archive& archive, EvaluationRecord& record) {
  archive(record.version, record.examples, record.loss, record.accuracy);
}
template <typename Archive>
void serialize(Archive& archive, FinishRecord& record) {
  archive(record.reason, record.version);
}

// NOLINTEND(readability-identifier-naming)

}  // namespace muster
