// P6, the participant's side: it acts on its session's coordinator only, and never goes back.
#pragma once

#include <optional>
#include <set>

#include "simulator/check/by_participant.h"
#include "simulator/check/checker.h"

namespace muster::simulator {

/// A message of another lineage or epoch than the participant follows makes it neither train, save,
/// offer nor send bytes; what it has seen never gets older, and is of no coordinator on a copy when
/// it follows this one; what it says names what it follows.
class FencedMember : public Checker {
 public:
  explicit FencedMember(World& world) : Checker(world, "P6 fenced participant") {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnParticipantStart(RosterIndex who, const participant::DurableState& state) override;
  void OnParticipantEvent(RosterIndex who, const participant::Event& event) override;
  void OnParticipantEffect(RosterIndex who, const participant::Effect& effect) override;

 private:
  struct Member {
    std::optional<SeenState> seen;  ///< As the last SaveState says.
    std::optional<Fence> foreign;   ///< The event's, if it is not the one that is followed.
  };

  void OnSave(RosterIndex who, Member& member, const participant::SaveState& save);
  void CheckFence(RosterIndex who, const Member& member, const Fence& fence);

  std::set<Epoch> epochs_;  ///< All that this coordinator had.
  ByParticipant<Member> members_;
};

}  // namespace muster::simulator
