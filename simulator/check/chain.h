// The chain of versions: each record follows from the one before it, from the open round, and from
// the draw that job and roster decide.
#pragma once

#include <optional>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// Judged when a batch is asked for, written or not: what is wrong in it is wrong already.
class Chain : public Checker {
 public:
  Chain(World& world, const CoordinatorSetup& setup, const Ledger& ledger)
      : Checker(world, "version chain"), setup_(setup), ledger_(ledger) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnFinish(CheckpointStore& store) override;
  void OnDamagedEnd(CheckpointStore& store) override;

 private:
  void CheckBatch(const Batch& batch);
  void CheckRecord(const RoundRecord& record, const Batch& batch);
  bool IsLate(const RecordedUpdate& update, const RoundRecord& record) const;
  bool MayBeLate(const RecordedUpdate& update, const RoundRecord& record) const;
  void CheckUpdates(const RoundRecord& record);
  void CheckOfRound(const RoundRecord& record);
  void CheckOpened(const OpenRound& round, const RoundRecord& last);
  void CheckGrown(const OpenRound& before, const OpenRound& after);

  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  /// The open round as the last batch asked for has it: batches of one process are in order.
  std::optional<OpenRound> asked_;
  std::optional<OpenRound> opened_;  ///< The last one that this process asked for.
  /// The last version whose record this process asked to write.
  Version committing_ = 0;
};

}  // namespace muster::simulator
