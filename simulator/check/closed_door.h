// P8: only enrolled keys get in; identity is checked on every message; a revocation holds at once.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/check/sessions.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// A key that is not enrolled is told refusals only and changes nothing; work, grants and accepts
/// go to the session of the slot they are about; bytes are taken from their slot's own index; no
/// message of a peer changes the roster. An enrolment or a revocation is answered once it is
/// written, and is there at every later start unless another was asked for since.
class ClosedDoor : public Checker {
 public:
  ClosedDoor(World& world, const CoordinatorSetup& setup, const Ledger& ledger,
             const Sessions& sessions)
      : Checker(world, "P8 closed door"), setup_(setup), ledger_(ledger), sessions_(sessions) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;

 private:
  /// What the operator asked for, or was told.
  struct Wish {
    std::string name;
    PublicKey key;
    bool revoked = false;
  };

  static bool Holds(const std::vector<RosterEntry>& roster, const Wish& wish);
  void CheckAnswer(const coordinator::AnswerAdmin& answer);
  void CheckSend(const coordinator::Send& send);
  void CheckReceiver(LinkId link, const coordinator::Effect& effect);
  void CheckBatch(const Batch& batch);

  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  const Sessions& sessions_;
  std::map<UpdateId, RosterIndex> granted_;         ///< Elastic data: to whom, last.
  std::map<coordinator::AdminTicket, Wish> asked_;  ///< Of the process that runs; not answered.
  std::map<std::string, Wish> told_;                ///< The last word on each name.
  std::map<std::string, std::vector<Wish>> since_;  ///< Asked after that; may be written already.
};

}  // namespace muster::simulator
