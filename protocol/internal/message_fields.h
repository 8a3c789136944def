// The fields of messages in the order in which they are archived. Order and widths are the format:
// those of hello and refused never change within a header format (docs/protocol.md, "Versions");
// the others change only together with kProtocolVersion.
#pragma once

#include "common/limits.h"
#include "protocol/internal/record_fields.h"
#include "protocol/messages.h"

namespace muster {

inline bool IsKnown(BulkSeal seal) { return seal == BulkSeal::aes_256_gcm; }
inline bool IsKnown(Welcome::RetainedFate fate) { return fate <= Welcome::RetainedFate::dropped; }

// Cereal finds these by name.
// NOLINTBEGIN(readability-identifier-naming)

/// Seals that this build does not know are a newer peer's, and left out: hello is there to find
/// what both know.
inline void load(SpanInputArchive& archive, std::vector<BulkSeal>& seals) {
  std::vector<std::uint8_t> numbers;
  archive(numbers);
  if (numbers.size() > limits::kBulkSealsMax) throw cereal::Exception("too many seals");
  seals.clear();
  for (const std::uint8_t number : numbers) {
    const auto seal = static_cast<BulkSeal>(number);
    if (IsKnown(seal)) seals.push_back(seal);
  }
}

template <typename Archive>
void serialize(Archive& archive, SeenState& seen) {
  archive(seen.lineage, seen.epoch, seen.version);
}
template <typename Archive>
void serialize(Archive& archive, Hello::Retained& retained) {
  archive(retained.id, retained.digest);
}
template <typename Archive>
void serialize(Archive& archive, Hello& hello) {
  archive(hello.protocol_min, hello.protocol_max, hello.seals, hello.name, hello.incarnation,
          hello.seen, hello.job, hello.retained);
}
template <typename Archive>
void serialize(Archive& archive, Offer& offer) {
  archive(offer.id, offer.digest, offer.bytes, offer.weight, offer.base_version,
          offer.client_version);
}
template <typename Archive>
void serialize(Archive& archive, Leave& leave) {
  archive(leave.reason);
}
template <typename Archive>
void serialize(Archive& archive, RefuseCoordinator& refuse) {
  archive(refuse.reason, refuse.seen);
}
template <typename Archive>
void serialize(Archive& archive, Welcome& welcome) {
  archive(welcome.protocol, welcome.seal, welcome.job_name, welcome.job, welcome.job_digest,
          welcome.lineages, welcome.epoch, welcome.head, welcome.index, welcome.lease_ms,
          welcome.retained, welcome.retained_fate, welcome.retained_reason,
          welcome.retained_version);
}
template <typename Archive>
void serialize(Archive& archive, TaskOrder& task) {
  archive(task.id, task.attempt, task.base_version, task.base_digest, task.model_digest,
          task.model_bytes, task.scales, task.deadline_ms);
}
template <typename Archive>
void serialize(Archive& archive, Grant& grant) {
  archive(grant.id, grant.digest, grant.offset, grant.credit_bytes, grant.chunk_bytes);
}
template <typename Archive>
void serialize(Archive& archive, UploadCredit& credit) {
  archive(credit.id, credit.offset);
}
template <typename Archive>
void serialize(Archive& archive, Accepted& accepted) {
  archive(accepted.id, accepted.digest);
}
template <typename Archive>
void serialize(Archive& archive, Committed& committed) {
  archive(committed.id, committed.version);
}
template <typename Archive>
void serialize(Archive& archive, Refused& refused) {
  archive(refused.reason, refused.id, refused.retry_after_ms, refused.text);
}
template <typename Archive>
void serialize(Archive& archive, JobFinished& finished) {
  archive(finished.reason, finished.version);
}
template <typename Archive>
void serialize(Archive& archive, BulkHello& hello) {
  archive(hello.incarnation);
}
template <typename Archive>
void serialize(Archive& archive, ModelRequest& request) {
  archive(request.version, request.offset, request.bytes);
}
template <typename Archive>
void serialize(Archive& archive, ModelChunk& chunk) {
  archive(chunk.version, chunk.offset, chunk.bytes, chunk.checksum);
}
template <typename Archive>
void serialize(Archive& archive, UpdateChunk& chunk) {
  archive(chunk.id, chunk.offset, chunk.bytes, chunk.checksum);
}

// NOLINTEND(readability-identifier-naming)

}  // namespace muster
