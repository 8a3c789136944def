// P2: an update counts in one committed version or in none, and the ledger says which.
#pragma once

#include <optional>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// Over all records each update once, as it was durably accepted; every durable accept of a round
/// in its record; fates that agree with the records; no word about an update that is not durable.
class ExactlyOnce : public Checker {
 public:
  ExactlyOnce(World& world, const CoordinatorSetup& setup, const Ledger& ledger)
      : Checker(world, "P2 exactly once"),
        elastic_(setup.job.data.access == DataAccess::elastic),
        ledger_(ledger) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnWritten(const Batch& batch) override;
  void OnFinish(CheckpointStore& store) override;
  void OnDamagedEnd(CheckpointStore& store) override;

 private:
  void CheckRecord(const RoundRecord& record);
  void CheckFate(const UpdateFate& fate);
  void CheckAccept(const AcceptedUpdate& update);
  void CheckWelcome(const Welcome& welcome);
  void CheckFatesOf(const RecoveredState& state);
  void CheckAccounted(const RecoveredState& state, const char* when);

  const bool elastic_;
  const Ledger& ledger_;
  /// What the hello of this step asks about.
  std::optional<Hello::Retained> asked_;
};

}  // namespace muster::simulator
