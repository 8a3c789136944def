// What messages and batches say, as numbers: two of them that differ in a field that means anything
// give other numbers. Sentences are left out, for the two tiers of the store word theirs otherwise.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/ids.h"
#include "protocol/messages.h"
#include "protocol/records.h"
#include "simulator/world/trace.h"

namespace muster::simulator {

/// Folds whatever it is given into a hash, in order. Bytes of digests, keys and nonces count by
/// words, strings by their length and bytes, sequences by their length and elements.
class Content {
 public:
  /// `hash` must outlive it.
  explicit Content(RollingHash& hash) : hash_(hash) {}

  template <class... Fields>
  void Add(const Fields&... fields) {
    (One(fields), ...);
  }

  void One(const Fence& fence) { Add(fence.lineage, fence.epoch.number, fence.epoch.nonce); }
  void One(const UpdateId& id) { Add(id.lineage, id.round, id.slot, id.task); }
  /// With which of the kinds it is.
  void One(const Message& message);
  void One(const Batch& batch);
  void One(const RoundRecord& record);

 private:
  template <class Number>
    requires std::integral<Number>
  void One(Number number) {
    hash_.Add(static_cast<std::uint64_t>(number));
  }
  template <class Kind>
    requires std::is_enum_v<Kind>
  void One(Kind kind) {
    hash_.Add(static_cast<std::uint64_t>(kind));
  }
  void One(double number) { hash_.Add(std::bit_cast<std::uint64_t>(number)); }
  void One(std::string_view text) { Bytes(std::as_bytes(std::span(text))); }
  template <std::size_t kSize>
  void One(const std::array<std::byte, kSize>& digest) {
    Bytes(digest);
  }
  template <class Element>
  void One(const std::optional<Element>& element) {
    One(element.has_value());
    if (element) One(*element);
  }
  template <class Element>
  void One(const std::vector<Element>& elements) {
    One(elements.size());
    for (const Element& element : elements) One(element);
  }
  void One(const SeenState& seen) {
    Add(seen.lineage.number, seen.lineage.nonce, seen.epoch.number, seen.epoch.nonce, seen.version);
  }
  void One(const Hello::Retained& retained) { Add(retained.id, retained.digest); }
  void One(const LineageRecord& lineage) {
    Add(lineage.id.number, lineage.id.nonce, lineage.parent_number, lineage.fork_version);
  }
  void One(const TensorScale& scale) { Add(scale.bound_log2, scale.scale_log2); }
  void One(const RecordedUpdate& update) {
    Add(update.id, update.digest, update.weight, update.base_version);
    if (update.client_version != 0) One(update.client_version);
  }
  void Bytes(std::span<const std::byte> bytes);

  // Of each kind of message and mutation, what it holds.
  void Fields(const Hello& m);
  void Fields(const LeaseRenew& /*m*/) {}
  void Fields(const Offer& m) {
    Add(m.id, m.digest, m.bytes, m.weight, m.base_version);
    if (m.client_version != 0) One(m.client_version);
  }
  void Fields(const Leave& m) { Add(m.reason); }
  void Fields(const RefuseCoordinator& m) { Add(m.reason, m.seen); }
  void Fields(const Welcome& m);
  void Fields(const LeaseAck& /*m*/) {}
  void Fields(const TaskOrder& m);
  void Fields(const Grant& m) { Add(m.id, m.digest, m.offset, m.credit_bytes, m.chunk_bytes); }
  void Fields(const UploadCredit& m) { Add(m.id, m.offset); }
  void Fields(const Accepted& m) { Add(m.id, m.digest); }
  void Fields(const Committed& m) { Add(m.id, m.version); }
  void Fields(const Refused& m) { Add(m.reason, m.id, m.retry_after_ms); }
  void Fields(const JobFinished& m) { Add(m.reason, m.version); }
  void Fields(const BulkHello& m) { Add(m.incarnation.bytes); }
  void Fields(const ModelRequest& m) { Add(m.version, m.offset, m.bytes); }
  void Fields(const ModelChunk& m) { Add(m.version, m.offset, m.bytes, m.checksum); }
  void Fields(const UpdateChunk& m) { Add(m.id, m.offset, m.bytes, m.checksum); }

  void Fields(const PutJob& m) { Add(m.record.digest, m.record.trainer_deterministic); }
  void Fields(const PutEpoch& m) {
    Add(m.record.epoch.number, m.record.epoch.nonce, m.record.starts);
  }
  void Fields(const PutPastEpoch& m) { Add(m.epoch.number, m.epoch.nonce); }
  void Fields(const PutLineage& m) { One(m.record); }
  void Fields(const PutRosterEntry& m);
  void Fields(const PutOpenRound& m);
  void Fields(const PutAccepted& m);
  void Fields(const ClearOpenRound& /*m*/) {}
  void Fields(const ClearAccepted& m) { Add(m.round); }
  void Fields(const PutRoundRecord& m) { One(m.record); }
  void Fields(const PutVersion& m) { Add(m.manifest.version, m.manifest.digest); }
  void Fields(const PutFate& m);
  void Fields(const PutEvaluation& m);
  void Fields(const PutFinish& m) { Add(m.record.reason, m.record.version); }
  void Fields(const ClearFinish& /*m*/) {}

  RollingHash& hash_;
};

/// Equal batches have equal ones.
std::uint64_t ContentOf(const Batch& batch);

}  // namespace muster::simulator
