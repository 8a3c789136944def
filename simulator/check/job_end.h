// The end of a job: evaluations are those of the versions, the target ends it and nothing else does
// before its rounds are done, and who gives up had to.
#pragma once

#include <map>
#include <optional>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/check/order_free.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// Judged when a batch is asked for, written or not. Loss and accuracy are computed a second time
/// from the reference's versions.
class JobEnd : public Checker {
 public:
  JobEnd(World& world, const CoordinatorSetup& setup, const Ledger& ledger,
         const OrderFree& versions)
      : Checker(world, "job end"), setup_(setup), ledger_(ledger), versions_(versions) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnWritten(const Batch& batch) override;
  void OnFinish(CheckpointStore& store) override;

 private:
  bool ReachesTarget(Version version) const;
  Version last() const { return ledger_.records().rbegin()->first; }
  void CheckEvaluation(const EvaluationRecord& record);
  void CheckFinish(const FinishRecord& finish, Version head);
  void CheckCommit(Version version);
  void CheckBatch(const Batch& batch);
  void CheckStop(const coordinator::Stop& stop);
  void CheckBound();
  bool CountsInRound(const AcceptedUpdate& update) const;
  std::size_t AcceptedInRound() const, AttemptsWithAccept() const;

  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  const OrderFree& versions_;
  std::optional<FinishRecord> finish_;  ///< Durable.
  std::map<UpdateId, Reason> refused_;  ///< By the process that runs, the last verdict.
  bool gave_up_ = false;
};

}  // namespace muster::simulator
