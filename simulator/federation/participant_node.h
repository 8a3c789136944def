// A participant's core in virtual time, with the real trainer and files that are variables. What
// fails ends the process as in participant/runtime/member.cpp, and its supervisor starts it again.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregation/strategy.h"
#include "participant/core/core.h"
#include "participant/runtime/model_buffer.h"
#include "simulator/federation/member_disk.h"
#include "simulator/federation/network.h"
#include "simulator/federation/observer.h"
#include "simulator/federation/process.h"
#include "training/trainer.h"

namespace muster::simulator {

/// A coordinator that a participant can be led to, and the promises that this one gave.
struct Place {
  Network* network = nullptr;
  Observer* observer = nullptr;
};

class ParticipantNode {
 public:
  /// So many ends by split_brain in a row, and its directory is emptied.
  static constexpr int kSplitBrainsInARow = 2;

  /// What `home` names and the world must outlive the node.
  ParticipantNode(World& world, Place home, const RosterEntry& entry);

  /// A start of the process on its disk; nothing if it runs, is kept away or has ended for good.
  void Start();
  /// Kept away: the process dies and does not come back until it is called.
  void KeepAway(bool away);
  /// SIGTERM; true: it stays away until it is called, as with KeepAway.
  void Leave(bool stays_away);
  /// SIGKILL. Of a file that was being replaced the old or the new is there, as `draw` says.
  void Kill(std::uint64_t draw);
  /// The machine is gone for good; the name comes back on another one, with an empty directory.
  void LoseMachine(Micros down_for);
  /// The machine is taken after a notice (SIGTERM), or without one if it is 0; then LoseMachine or
  /// Kill.
  void Preempt(Micros notice, bool machine, std::uint64_t draw);
  /// The process is ended, and starts again in an empty directory.
  void StartAfresh();
  /// Its next process has this key: enrolled, it comes back if it had ended.
  void SetKey(const PublicKey& key) { entry_.key = key; }
  /// Its link is gone; it opens another one.
  void LoseLink();
  /// It starts again though it had ended for good.
  void Readmit();
  /// Where its next link leads.
  void Lead(Place where) { next_ = where; }
  /// Nothing new is broken, and what is ends: it runs, at home, on a sound machine.
  void Heal();

  Process& process() { return process_; }
  RosterIndex index() const { return entry_.index; }
  const std::string& name() const { return entry_.name; }
  bool up() const { return core_ != nullptr; }
  bool away() const { return away_; }
  /// Why it does not come back by itself.
  const std::optional<Reason>& ended() const { return ended_; }
  /// What it has seen of coordinators and would still know after a start.
  const std::optional<SeenState>& seen() const { return disk_.seen(); }
  MemberDisk& disk() { return disk_; }
  std::string Waiting() const;

 private:
  struct Fit {
    UpdateId id;
    Version base_version = 0;
    LocalTraining ask;
    std::shared_ptr<const ParameterSet> base;
    bool stopping = false;
    std::shared_ptr<const Bytes> writing;  ///< Trained: update.bin is being replaced by it.
    bool keep_on_disk = true;
    Version client_version = 0;           ///< Of the client state that it begins from; 0: fresh.
    std::shared_ptr<const Bytes> client;  ///< Null: a fresh one.
    std::shared_ptr<const Bytes> writing_client;  ///< Trained: client.next; null: none is kept.
    Observer* observer = nullptr;                 ///< Of the coordinator whose task it is.
    std::uint64_t number = 0;  ///< Of all fits: the same task may be trained again.
  };

  void Feed(participant::Event event);
  bool MayDie() const { return deaths_ < world_.faults().deaths_max; }
  bool DiesNow();
  void Snatch(std::uint64_t value);
  void End();
  void RefuseState(const Error& error);
  void StartLater(Micros down_for);
  Micros DrawDown();
  void OnPacket(const Packet& packet);
  void Later(Worker& worker, Micros least, Micros most, std::function<void()> action) {
    process_.Later(worker, least, most, std::move(action));
  }
  void FinishFit();
  Status SaveTrained(const Fit& fit);
  void Fail(const Error& error);
  void FailFit(const UpdateId& id, const Error& error);
  void SendOnBulk(Packet packet);
  void PutOnBulk(Packet packet);
  void DrainBacklog();
  bool IsMisled(Reason reason) const;

  void Perform(const participant::Connect&);
  void Perform(const participant::Disconnect&) { CloseLink(); }
  void Perform(participant::Send& effect);
  void Perform(participant::SendBulk& effect);
  void Perform(const participant::SendUpdateChunk& effect);
  void Perform(const participant::SetJob& effect);
  void Perform(const participant::OpenModel& effect);
  void Perform(const participant::StoreChunk& effect);
  void Perform(const participant::DropPayload&) {}
  void Perform(const participant::StartFit& effect);
  void Perform(const participant::StopFit& effect);
  void Perform(const participant::SaveState& effect);
  void Perform(const participant::ForgetUpdate&);
  void Perform(const participant::PromoteClient&);
  void Perform(const participant::ForgetPosition&);
  void Perform(const participant::Notice& effect);
  void Perform(const participant::ArmTimer& effect) { process_.Arm(effect.at); }
  void Perform(const participant::Stop& effect);
  void CloseLink();

  World& world_;
  const Place home_;
  Place here_;  ///< Where the link leads, or led last.
  Place next_;
  RosterEntry entry_;
  const Actor actor_;
  Process process_;
  MemberDisk disk_;  ///< Outlives the process.
  int deaths_ = 0;
  int split_brains_ = 0;  ///< In a row.
  bool away_ = false;
  std::optional<Reason> ended_;

  // --- One process ------------------------------------------------------------------------------
  std::unique_ptr<participant::ParticipantCore> core_;
  PublicKey key_;
  bool stopping_ = false;
  bool feeding_ = false;
  std::vector<participant::Event> events_;  ///< Of the call of Feed under way, in order.
  LinkId link_ = 0;
  std::deque<Packet> backlog_;       ///< Of the link's bulk channel, in order.
  participant::DurableState state_;  ///< What the core believes that is on disk, or will be.
  bool in_memory_ =
      false;  ///< What it retains is in memory alone, and `state_` names it all the same.
  std::shared_ptr<const Bytes> update_;  ///< The bytes of what it retains.
  std::optional<Reason> failing_;        ///< The core was told that a fit failed.
  Worker saver_;
  std::deque<participant::DurableState> saving_;  ///< On their way to the disk, in order.
  std::shared_ptr<const Bytes> incoming_;
  participant::PayloadHandle handles_ = 0;
  participant::ModelBuffer model_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Strategy> strategy_;  ///< With trainer_.
  std::optional<Fit> fit_;
};

}  // namespace muster::simulator
