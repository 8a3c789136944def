// Versions that are held: those that the policy keeps, no others, and with the bytes that their
// records decide.
#pragma once

#include <optional>
#include <set>

#include "model/parameter_set.h"
#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// Says by its own rule what is kept: whatever is removed must be of no use any more, at every
/// start all that is kept must be there, and at the end nothing else. What is held is read whole:
/// at a start what was stored since it was read last, at the end everything.
class Retention : public Checker {
 public:
  Retention(World& world, const CoordinatorSetup& setup, const Ledger& ledger);

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnFinish(CheckpointStore& store) override;
  void OnDamagedEnd(CheckpointStore& store) override;

 private:
  /// REQUIRES: something is held.
  bool IsKept(Version version) const;
  void CheckAllKept(const char* when);
  void CheckBytes(CheckpointStore& store, Version version);

  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  const ParameterLayout layout_;  ///< Of a whole version.
  std::set<Version> held_;
  std::set<Version> read_;        ///< And found to be right.
  std::set<Version> evaluating_;  ///< By the process that runs: kept until that is done.
  bool leftovers_ = false;        ///< A removal was refused, or the last process gave up.
};

}  // namespace muster::simulator
