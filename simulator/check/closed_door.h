// P8: only enrolled keys get in; identity is checked on every message; a revocation holds at once.
#pragma once

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/check/sessions.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// A key that is not enrolled is told refusals only and changes nothing; work, grants and accepts
/// go to the session of the slot they are about; bytes are taken from their slot's own index; no
/// message of a peer changes the roster.
class ClosedDoor : public Checker {
 public:
  ClosedDoor(World& world, const CoordinatorSetup& setup, const Ledger& ledger,
             const Sessions& sessions)
      : Checker(world, "P8 closed door"), setup_(setup), ledger_(ledger), sessions_(sessions) {}

  void OnEffect(const coordinator::Effect& effect) override;

 private:
  void CheckSend(const coordinator::Send& send);
  void CheckReceiver(LinkId link, const coordinator::Effect& effect);
  void CheckBatch(const Batch& batch);

  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  const Sessions& sessions_;
};

}  // namespace muster::simulator
