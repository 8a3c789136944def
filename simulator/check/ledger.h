// What a coordinator has durably written, followed from outside: by the batches that were applied
// and by what a start finds. The checkers judge by it; it judges nothing.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "simulator/check/checker.h"

namespace muster::simulator {

/// First among the watchers: those behind it see the facts of the call that they are in.
class Ledger : public Watcher {
 public:
  /// `in_memory`: the job accepts in memory (AcceptOf).
  explicit Ledger(bool in_memory) : in_memory_(in_memory) {}

  bool in_memory() const { return in_memory_; }

  /// Of the process that runs, or ran last. Epoch 0: none was there yet.
  const Fence& fence() const { return fence_; }
  std::uint64_t starts() const { return starts_; }

  /// Every durable accept there ever was. Where the job accepts in memory: what counts in a
  /// version, and what the process that runs has in its sum; it has forgotten what was in an older
  /// one.
  const std::map<UpdateId, AcceptedUpdate>& accepted() const { return accepted_; }
  /// Whether exactly this update is among them.
  bool IsAccepted(const UpdateId& id, const Xxh128Digest& digest) const;
  /// In which version an update counts; the first, should there be several.
  const std::map<UpdateId, Version>& counted() const { return counted_; }
  /// Whether exactly this update counts in a version.
  bool IsCounted(const UpdateId& id, const Xxh128Digest& digest) const;
  /// Every durable record, version 0 included.
  const std::map<Version, RoundRecord>& records() const { return records_; }
  /// What became of updates; the last word on each.
  const std::map<UpdateId, UpdateFate>& fates() const { return fates_; }
  const std::optional<OpenRound>& open_round() const { return open_round_; }
  const std::vector<RosterEntry>& roster() const { return roster_; }
  /// Nothing if no entry has the key.
  const RosterEntry* EntryOf(const PublicKey& key) const;

  /// Updates for whose accept a batch was ever made, written or not.
  const std::map<UpdateId, std::vector<AcceptedUpdate>>& asked_accepts() const {
    return asked_accepts_;
  }
  /// Digests of versions for whose commit a batch was ever made.
  const std::map<Version, std::vector<Sha256Digest>>& asked_versions() const {
    return asked_versions_;
  }

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnWritten(const Batch& batch) override;

 private:
  void Add(const RoundRecord& record);
  void AcceptInMemory(const coordinator::Effect& effect);
  void ForgetSums();

  const bool in_memory_;

  Fence fence_;
  std::uint64_t starts_ = 0;
  std::map<UpdateId, AcceptedUpdate> accepted_;
  std::map<UpdateId, Version> counted_;
  std::map<Version, RoundRecord> records_;
  std::map<UpdateId, UpdateFate> fates_;
  std::optional<OpenRound> open_round_;
  std::vector<RosterEntry> roster_;
  std::map<UpdateId, std::vector<AcceptedUpdate>> asked_accepts_;
  std::map<Version, std::vector<Sha256Digest>> asked_versions_;
};

}  // namespace muster::simulator
