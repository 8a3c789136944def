// What a store holds after some batches, in memory: the batches' meaning without a database.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "protocol/records.h"

namespace muster::simulator {

/// Applies batches as the store does, and knows at any moment what a start would recover. Rounds
/// are closed in ascending order: of a round below the last closed one nothing is kept in the
/// ledger, where the store keeps keys that no start looks at.
class BatchState {
 public:
  void Apply(const Batch& batch);

  const RecoveredState& state() const { return state_; }
  /// Of the newest version that a batch named head; it has a manifest in every sound state.
  std::optional<Version> head() const { return head_; }
  /// Never pruned. Shared, so that a copy of a long run's state is cheap.
  const std::map<Version, std::shared_ptr<const RoundRecord>>& records() const { return records_; }
  const std::map<Version, std::shared_ptr<const VersionManifest>>& manifests() const {
    return manifests_;
  }

 private:
  struct Applier;

  RecoveredState state_;
  std::optional<Version> head_;
  std::map<Version, std::shared_ptr<const RoundRecord>> records_;
  std::map<Version, std::shared_ptr<const VersionManifest>> manifests_;
};

}  // namespace muster::simulator
