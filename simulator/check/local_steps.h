// P4 of what strategies ask of local training: an update is what its paper makes of the training,
// computed here a second time, naively.
#pragma once

#include <string>
#include <vector>

#include "model/job.h"
#include "simulator/check/by_participant.h"
#include "simulator/check/checker.h"

namespace muster::simulator {

/// What the synthetic trainer moved lies within its range once all that the strategy asked of its
/// steps is taken out again: the proximal term of fedprox, the control variates of scaffold. An
/// update of fednova is the mean step and the number of steps, one of scaffold the delta and how
/// far the slot's control variate goes; the client-side state that scaffold's makes is that control
/// variate.
class LocalStepsMade : public Checker {
 public:
  /// Of a job whose strategy Judges().
  LocalStepsMade(World& world, const JobSpec& job) : Checker(world, "P4 local steps"), job_(job) {}

  static bool Judges(const JobSpec& job);

  void OnFit(RosterIndex who, const UpdateId& id, Version base_version, ByteSpan base) override;
  void OnTrained(RosterIndex who, const Trained& trained) override;

 private:
  /// Empty, or what is wrong with the update.
  std::string WhatIsWrong(RosterIndex who, const Trained& trained);
  std::string JudgeScaffold(const std::vector<float>& server, const Trained& trained) const;

  const JobSpec& job_;
  ByParticipant<std::vector<float>> controls_;  ///< The server's, as the fit under way has it.
};

}  // namespace muster::simulator
