// P9: every wait has a kind, says what happens next, and ends: at its deadline, or with an answer
// that is really under way.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "simulator/check/by_participant.h"
#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/check/outstanding.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// Of the coordinator, after every step: a wait without a deadline is one of a closed list of
/// kinds, and what it is for was asked of the runtime and not answered; a deadline is never put off
/// but by a gap of the loop, and at the first tick after it the state has moved; what earlier lives
/// waited of an attempt counts; whoever is awaited is named, away or not. Of participants: one that
/// waits has a timer, or a training or a save under way.
class NoSilentWait : public Checker {
 public:
  NoSilentWait(World& world, const CoordinatorSetup& setup, const Ledger& ledger,
               const Outstanding& outstanding)
      : Checker(world, "P9 no silent wait"),
        setup_(setup),
        ledger_(ledger),
        outstanding_(outstanding) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnStepped(const coordinator::CoordinatorCore& core, MonotonicMs now) override;
  void OnParticipantStart(RosterIndex who, const participant::DurableState& state) override;
  void OnParticipantEvent(RosterIndex who, const participant::Event& event) override;
  void OnParticipantEffect(RosterIndex who, const participant::Effect& effect) override;
  void OnParticipantStepped(RosterIndex who, const participant::ParticipantCore& core,
                            MonotonicMs now) override;

 private:
  /// Of the report phase: what was announced first.
  struct Promise {
    MonotonicMs since = 0;
    MonotonicMs deadline = 0;
  };
  struct Member {
    std::optional<MonotonicMs> armed;
    std::size_t saves = 0;
    bool fitting = false;
    bool ticked = false;  ///< The step is one of Tick.
  };

  bool IsUnderWay(coordinator::WaitKind kind) const;
  void ForgetGaps();
  void CheckDeadline(const coordinator::WaitState& wait, MonotonicMs now);
  void CheckNames(const coordinator::WaitState& wait);

  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  const Outstanding& outstanding_;
  std::optional<OpenRound> resumed_;  ///< As the last start found it.
  std::set<UpdateId> granted_;        ///< By the process that runs: some of them it may refuse.
  bool ticked_ = false;               ///< The step is one of Tick.
  std::optional<MonotonicMs> last_step_;
  std::pair<coordinator::Phase, coordinator::WaitKind> said_;  ///< The last wait's, asked in full.
  std::optional<std::pair<Round, Attempt>> attempt_;  ///< As the ledger has it, at the last step.
  MonotonicMs gaps_ = 0;                              ///< That waits of it were extended by.
  std::optional<Promise> promise_;
  ByParticipant<Member> members_;
};

}  // namespace muster::simulator
