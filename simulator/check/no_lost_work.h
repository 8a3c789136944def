// P3: an acknowledged update is never trained again, and its sender keeps it until it is told that
// it counts.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "simulator/check/by_participant.h"
#include "simulator/check/checker.h"

#include "simulator/check/ledger.h"
#include "simulator/check/reference_step.h"
#include "simulator/check/sessions.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// Also: one training at a time; what was trained is let go only upon the coordinator's word; its
/// bytes go only after a saved state names them no more.
class NoLostWork : public Checker {
 public:
  NoLostWork(World& world, const CoordinatorSetup& setup, const Ledger& ledger,
             const Sessions& sessions)
      : Checker(world, "P3 no lost work"),
        stale_(NaiveTakesStale(setup.job.round)),
        elastic_(setup.job.data.access == DataAccess::elastic),
        setup_(setup),
        ledger_(ledger),
        sessions_(sessions) {}

  void OnEvent(const coordinator::Event& event) override;
  void OnParticipantStart(RosterIndex who, const participant::DurableState& state) override;
  void OnParticipantEvent(RosterIndex who, const participant::Event& event) override;
  void OnParticipantEffect(RosterIndex who, const participant::Effect& effect) override;

 private:
  using Retained = std::optional<participant::RetainedUpdate>;
  struct Member {
    /// As the last SaveState says; where the job accepts in memory, as the process holds it there.
    Retained current;
    Retained saved;                                ///< As the disk says.
    std::map<participant::Token, Retained> saves;  ///< Under way.
    std::optional<UpdateId> fitting;
    // What this process heard that lets it drop an update; it may act on it later.
    std::set<UpdateId> settled;  ///< Refused or committed.
    UpdateId newest_task;
    UpdateId last_task;
    bool all_settled = false;  ///< The job is finished, or a new lineage began.
    /// The coordinator heard of another update than the participant spoke of: a bit flipped in the
    /// message before it was sealed. The answer is to those words.
    bool misquoted = false;
  };

  static void OnMessage(Member& member, const Message& message);
  void OnSave(RosterIndex who, Member& member, const participant::SaveState& save);
  void LetGo(RosterIndex who, const Member& member);
  bool IsPast(const UpdateId& id, const UpdateId& task) const;

  const bool stale_;    ///< Older bases count: a newer task does not say that an update is past.
  const bool elastic_;  ///< Several updates of a round may be one participant's.
  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  const Sessions& sessions_;
  ByParticipant<Member> members_;
  ByParticipant<std::set<std::pair<UpdateId, Xxh128Digest>>> said_;  ///< Of its updates.
};

}  // namespace muster::simulator
