// Elastic data: every example counts exactly once an epoch, whoever joins, leaves or crashes, and a
// block has one holder at a time.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/check/sessions.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// Goes on from record to record through the blocks of each epoch, with none of the code that deals
/// them: a record holds the next blocks, each once and with all of its examples. By what is sent: a
/// block that was accepted is asked of nobody, and one that is held is granted to nobody else;
/// lease_lost is only said to who does not hold the block; who was told so is not accepted for it
/// before it is asked again.
class ElasticData : public Checker {
 public:
  ElasticData(World& world, const CoordinatorSetup& setup, const Ledger& ledger,
              const Sessions& sessions)
      : Checker(world, "elastic data"), setup_(setup), ledger_(ledger), sessions_(sessions) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnStepped(const coordinator::CoordinatorCore& core, MonotonicMs now) override;
  void OnWritten(const Batch& batch) override;

 private:
  void CatchUp();
  void CheckRecord(const RoundRecord& record);
  void OnTask(RosterIndex who, const UpdateId& id);
  void OnGrant(RosterIndex who, const UpdateId& id);
  void OnLost(RosterIndex who, const UpdateId& id);
  void OnLeft(const std::string& name);

  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  const Sessions& sessions_;
  Version at_ = 0;                ///< The last record that was judged.
  std::uint64_t next_block_ = 0;  ///< Of the epoch: the first of the next record.
  // Of the process that runs.
  std::map<UpdateId, RosterIndex> asked_;       ///< Of whom each block was asked last.
  std::map<RosterIndex, UpdateId> last_asked_;  ///< What was asked last of each.
  std::set<std::pair<RosterIndex, UpdateId>> lost_;
  std::vector<std::pair<RosterIndex, UpdateId>> told_now_;  ///< In the step under way.
};

}  // namespace muster::simulator
