// P6, the coordinator's side: nothing of an older epoch, another lineage or an ended process
// changes state.
#pragma once

#include <cstdint>
#include <deque>
#include <set>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/check/sessions.h"

namespace muster::simulator {

/// What comes of a message that is stale, without a session or of an ended process is a refusal;
/// epochs grow from start to start; batches are applied in order, and only those of the process
/// that runs; accepts name the lineage and the round that are open.
class Fenced : public Checker {
 public:
  Fenced(World& world, const Ledger& ledger, const Sessions& sessions)
      : Checker(world, "P6 fenced"), ledger_(ledger), sessions_(sessions) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEnd() override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnWritten(const Batch& batch) override;

 private:
  struct Asked {
    coordinator::Token token = 0;
    std::uint64_t content = 0;  ///< As ContentOf.
  };

  const Ledger& ledger_;
  const Sessions& sessions_;
  bool up_ = false;
  Fence last_;
  std::set<std::uint64_t> nonces_;
  std::deque<Asked> asked_;  ///< Batches of the process that runs, not applied yet.
};

}  // namespace muster::simulator
