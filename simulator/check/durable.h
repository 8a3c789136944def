// P1: a version that anybody outside has heard of is there at every later start.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"

namespace muster::simulator {

/// Also: what a version can be computed again from goes only once it is stored.
class Durable : public Checker {
 public:
  Durable(World& world, const Ledger& ledger) : Checker(world, "P1 durable"), ledger_(ledger) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnWritten(const Batch& batch) override;
  void OnFinish(CheckpointStore& store) override;
  void OnDamagedEnd(CheckpointStore& store) override;

 private:
  /// `how`: a literal, what told of it.
  void Announce(Version version, const std::optional<Sha256Digest>& digest, const char* how);
  void ExpectAnnounced(CheckpointStore& store, const char* when);

  const Ledger& ledger_;
  std::map<Version, Sha256Digest> announced_;
  std::set<Version> stored_;  ///< With all chunks, as far as this process was told.
};

}  // namespace muster::simulator
