#include "simulator/world/content.h"

#include <algorithm>
#include <variant>

namespace muster::simulator {

void Content::Bytes(std::span<const std::byte> bytes) {
  One(bytes.size());
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(sizeof(word), bytes.size() - at);
    std::memcpy(&word, bytes.data() + at, size);
    hash_.Add(word);
    at += size;
  }
}

void Content::One(const Message& message) {
  One(message.index());
  std::visit([this](const auto& one) { Fields(one); }, message);
}

void Content::One(const Batch& batch) {
  Add(batch.sync, batch.mutations.size());
  for (const Mutation& mutation : batch.mutations) {
    One(mutation.index());
    std::visit([this](const auto& one) { Fields(one); }, mutation);
  }
}

void Content::One(const RoundRecord& record) {
  Add(record.round, record.version, record.parent, record.lineage, record.eligible,
      record.first_drawn, record.accepted, record.weight_sum, record.bound_raise, record.scales,
      record.digest, record.attempts, record.closed_by_deadline);
  if (record.deadline_ms != 0) One(record.deadline_ms);
  if (!record.unfinished.empty()) Add(record.unfinished);
}

void Content::Fields(const Hello& m) {
  Add(m.protocol_min, m.protocol_max, m.seals, std::string_view(m.name), m.incarnation.bytes,
      m.seen, m.job, m.retained);
}

// The job by its digest.
void Content::Fields(const Welcome& m) {
  Add(m.protocol, m.seal, m.job_digest, m.lineages, m.epoch.number, m.epoch.nonce, m.head, m.index,
      m.lease_ms, m.retained, m.retained_fate, m.retained_reason, m.retained_version);
}

void Content::Fields(const TaskOrder& m) {
  Add(m.id, m.attempt, m.base_version, m.base_digest, m.model_digest, m.model_bytes, m.scales,
      m.deadline_ms);
}

void Content::Fields(const PutRosterEntry& m) {
  Add(m.entry.index, std::string_view(m.entry.name), m.entry.key.bytes, m.entry.revoked);
}

void Content::Fields(const PutOpenRound& m) {
  const OpenRound& round = m.round;
  Add(round.round, round.parent, round.attempt, round.eligible, round.first_drawn, round.cohort,
      round.bound_raise, round.deadline_consumed_ms);
  if (round.deadline_ms != 0) One(round.deadline_ms);
}

void Content::Fields(const PutAccepted& m) {
  const AcceptedUpdate& update = m.update;
  Add(update.id, update.digest, update.weight, update.base_version, update.from, update.attempt,
      update.extent.index);
  if (update.client_version != 0) One(update.client_version);
}

void Content::Fields(const PutFate& m) {
  const UpdateFate& fate = m.fate;
  Add(fate.id, fate.digest, fate.committed, fate.version, fate.reason);
}

void Content::Fields(const PutEvaluation& m) {
  Add(m.record.version, m.record.examples, m.record.loss, m.record.accuracy);
}

std::uint64_t ContentOf(const Batch& batch) {
  RollingHash hash;
  Content(hash).Add(batch);
  return hash.value();
}

}  // namespace muster::simulator
