// Folds what a run does into its hash: two runs with one hash did and said the same.
#pragma once

#include "simulator/check/checker.h"
#include "simulator/world/content.h"

namespace muster::simulator {

/// Of every step of every process: which event, which effects, and what they are about. What a
/// message says the network folds when it is sent, see Network::Carry. Judges nothing.
class ContentHash : public Watcher {
 public:
  explicit ContentHash(World& world) : content_(world.trace()) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnWritten(const Batch& batch) override;
  void OnParticipantEvent(RosterIndex who, const participant::Event& event) override;
  void OnParticipantEffect(RosterIndex who, const participant::Effect& effect) override;

 private:
  Content content_;
};

}  // namespace muster::simulator
