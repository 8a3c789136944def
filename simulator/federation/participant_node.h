// A participant's core in virtual time, with the real trainer and files that are variables.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "participant/core/core.h"
#include "participant/runtime/model_buffer.h"
#include "simulator/federation/network.h"
#include "simulator/federation/observer.h"
#include "training/trainer.h"

namespace muster::simulator {

class ParticipantNode {
 public:
  /// All must outlive the node.
  ParticipantNode(World& world, Network& network, RosterIndex index, std::string name,
                  Observer& observer);

  /// A start of the process on its disk; nothing if it runs or is kept away.
  void Start();
  /// Kept away: the process dies and does not come back until it is called.
  void KeepAway(bool away);
  RosterIndex index() const { return index_; }
  std::string Waiting() const;

 private:
  /// What outlives the process.
  struct Disk {
    participant::DurableState state;
    std::shared_ptr<const Bytes> update;
  };
  struct Fit {
    UpdateId id;
    Version base_version = 0;
    TrainSpec ask;
    std::shared_ptr<const ParameterSet> base;
    bool stopping = false;
  };

  void Feed(participant::Event event);
  void TickLater();
  void End(bool again);
  void OnPacket(const Packet& packet);
  void Later(Worker& worker, Micros least, Micros most, std::function<void()> action);
  void FinishFit();

  void Perform(const participant::Connect&);
  void Perform(const participant::Disconnect&) { CloseLink(); }
  void Perform(const participant::Send& effect);
  void Perform(const participant::SendBulk& effect);
  void Perform(const participant::SendUpdateChunk& effect);
  void Perform(const participant::SetJob& effect);
  void Perform(const participant::OpenModel& effect);
  void Perform(const participant::StoreChunk& effect);
  void Perform(const participant::DropPayload&) {}
  void Perform(const participant::StartFit& effect);
  void Perform(const participant::StopFit&);
  void Perform(const participant::SaveState& effect);
  void Perform(const participant::ForgetUpdate&) { disk_.update.reset(); }
  void Perform(const participant::ForgetPosition&) {}
  void Perform(const participant::Notice&) {}
  void Perform(const participant::ArmTimer& effect);
  void Perform(const participant::Stop& effect);
  void CloseLink();

  World& world_;
  Network& network_;
  const RosterIndex index_;
  const Actor actor_;
  const std::string name_;
  Observer& observer_;
  Disk disk_;

  // --- One process ------------------------------------------------------------------------------
  std::unique_ptr<participant::ParticipantCore> core_;
  std::uint64_t life_ = 0;
  int deaths_ = 0;
  bool stopping_ = false;
  bool away_ = false;
  bool feeding_ = false;
  std::deque<participant::Event> events_;
  LinkId link_ = 0;
  Worker saver_;
  std::shared_ptr<const Bytes> incoming_;
  participant::PayloadHandle handles_ = 0;
  participant::ModelBuffer model_;
  std::unique_ptr<Trainer> trainer_;
  std::optional<Fit> fit_;
};

}  // namespace muster::simulator
