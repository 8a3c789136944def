// The coordinator's process in virtual time: its core, with the real store, spool, checks, sums and
// versions on a virtual disk. Work on the disk takes virtual time and happens at its end.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "aggregation/ring_sum.h"
#include "aggregation/strategy.h"
#include "aggregation/update_checker.h"
#include "checkpoint/internal/file_system.h"
#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "common/thread_pool.h"
#include "coordinator/core/core.h"
#include "coordinator/runtime/key_gate.h"
#include "simulator/federation/network.h"
#include "simulator/federation/observer.h"
#include "simulator/federation/process.h"
#include "simulator/federation/setup.h"
#include "simulator/store/volume.h"
#include "training/trainer.h"

namespace muster::simulator {

class CoordinatorNode {
 public:
  /// All must outlive the node.
  CoordinatorNode(World& world, Network& network, Observer& observer,
                  std::shared_ptr<StateVolume> volume, CoordinatorSetup setup,
                  Actor actor = kCoordinator);
  ~CoordinatorNode();

  /// A start of the process on its volume. One without power is restarted first.
  void Start();
  /// SIGTERM; the process starts again once it has drained.
  void Drain();
  /// SIGKILL, or with `machine` the power: what was not synced goes as `unsynced` says.
  void Die(bool machine, Unsynced unsynced);
  /// Dies with the machine before the next effect that anybody could hear of. Thread-safe: the
  /// disk's plan may ask for it, and for the phase, from a thread of the database.
  void DieBeforeTheNextWord(Unsynced unsynced);

  /// SIGKILL, for good.
  void ThrowAway();

  /// Flushes and merges the database now.
  void RunUpkeep();
  /// An operator's request; a process that is gone hears nothing. The answer comes by `on_answer`,
  /// in the middle of a step.
  void Request(coordinator::Event event);
  std::function<void(coordinator::AdminTicket, const Status&, RosterIndex)> on_answer;
  /// It goes on from a copy of what `first` has now: its event stream.
  void GoOnFrom(const CoordinatorNode& first) { reported_ = first.reported_; }

  Process& process() { return process_; }
  /// Nothing follows any more: the job has ended, or the state is damaged.
  bool finished() const { return finished_; }
  bool damaged() const { return damaged_; }
  /// The job ended before its rounds were done, as it must where no attempt can help.
  bool gave_up() const { return gave_up_; }
  bool up() const { return core_ != nullptr; }
  coordinator::Phase phase() const {
    const std::lock_guard guard(plan_mutex_);
    return phase_;
  }
  std::uint64_t starts() const { return life_; }
  /// One sentence for the message of a run that hangs.
  std::string Waiting() const;

 private:
  struct Upload {
    std::uint32_t extent = 0;
    std::uint64_t bytes = 0, stored = 0;
    bool rejected = false;
    UpdateChecker checker;
  };

  struct FoldWork {
    bool reads_spool = false;
    std::function<void()> action;
  };

  Status OpenState();
  Status EnrollAll();
  void FailToStart(const Error& error);
  /// A good end only if a bit was flipped that can be what the text names.
  void StopForDamage(const std::string& text);
  void Feed(coordinator::Event event);
  bool DiesAt(const coordinator::Effect& effect);
  std::optional<Unsynced> Silence() const;
  void Listen();
  void MeasureDisk();
  void StartLater();
  void EndProcess();
  /// Runs `action` when `worker` is done with it, unless the process died meanwhile.
  void Later(Worker& worker, Micros most, std::function<void()> action) {
    process_.Later(worker, 1, most, std::move(action));
  }
  /// What an operation's failure means: with the power gone the process died, a full disk is an
  /// answer, and with anything else the process ends. True: it was done.
  bool Survives(const Status& done, const coordinator::Event& if_full);
  void ExpectExcused(const Error& error);
  void Progress(Version head, Attempt attempt);
  void TellOf(const coordinator::Notice& notice);
  void TellOfRefusal(const coordinator::Notice& notice, const std::string& why);

  // Whoever looks on has seen it: what holds much is moved out of it.
  void Perform(coordinator::Send& effect);
  void Perform(const coordinator::SendModelChunk& effect);
  void Perform(const coordinator::DropLink& effect) { network_.Drop(effect.link); }
  void Perform(coordinator::Persist& effect);
  void Perform(const coordinator::PrepareSpool& effect);
  void Perform(const coordinator::OpenUpload& effect);
  void Perform(const coordinator::StoreChunk& effect);
  void Perform(const coordinator::DropPayload& effect) { payloads_.erase(effect.payload); }
  void Perform(const coordinator::CloseUpload& effect) { uploads_.erase(effect.upload); }
  void Perform(const coordinator::SyncSpool& effect);
  void Perform(const coordinator::OpenSum& effect);
  void Perform(const coordinator::Fold& effect);
  void Perform(const coordinator::BuildVersion& effect);
  void Perform(const coordinator::AdvanceHead& effect);
  void Perform(const coordinator::StoreVersion& effect);
  void Perform(const coordinator::Evaluate& effect);
  void Perform(const coordinator::DropVersion& effect);
  void Perform(const coordinator::SetRoster& effect) { gate_.SetRoster(effect.roster); }
  void Perform(const coordinator::AnswerAdmin& effect) {
    if (on_answer) on_answer(effect.ticket, effect.status, effect.index);
  }
  void Perform(const coordinator::Notice& effect);
  void Perform(const coordinator::ArmTimer& effect) { process_.Arm(effect.at); }
  void Perform(const coordinator::Stop& effect);
  void FoldLater(bool reads_spool, std::function<void()> action);
  void RunFoldWork();
  void FinishStore(const coordinator::StoreChunk& effect);
  void FinishFold(const coordinator::Fold& effect);
  void FinishBuild(const coordinator::BuildVersion& effect);
  Status LoadStored(Version version, ParameterSet* model);
  void FailToEvaluate(const Error& error);

  World& world_;
  Network& network_;
  Observer& observer_;
  const std::shared_ptr<StateVolume> volume_;
  const CoordinatorSetup setup_;
  const Actor actor_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Strategy> strategy_;
  ThreadPool pool_{1};
  Process process_;
  Version reported_ = 0;  ///< The event stream's file: each version is told once.
  int deaths_ = 0;
  bool finished_ = false;
  const coordinator::Event* event_ = nullptr;       ///< The core is stepping on it, for the story.
  std::set<std::pair<PublicKey, Reason>> told_of_;  ///< Of strangers: why they were refused.
  bool damaged_ = false, gave_up_ = false;

  // --- One process ------------------------------------------------------------------------------
  std::uint64_t life_ = 0;
  std::unique_ptr<CheckpointStore> store_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<coordinator::CoordinatorCore> core_;
  coordinator::RosterGate gate_;
  Epoch epoch_;
  Version head_version_ = 0;
  std::shared_ptr<const ParameterSet> head_, built_;
  bool stopping_ = false;
  bool disk_short_ = false;
  bool feeding_ = false;
  mutable std::mutex plan_mutex_;    ///< Guards the next two.
  std::optional<Unsynced> silence_;  ///< Set: no further word is heard of this process.
  coordinator::Phase phase_ = coordinator::Phase::starting;
  std::vector<coordinator::Event> events_;  ///< Of the call of Feed under way, in order.
  Worker store_worker_, version_worker_, fold_worker_, evaluator_;
  std::map<std::uint32_t, Worker> extents_;
  coordinator::PayloadHandle last_payload_ = 0;
  std::map<coordinator::PayloadHandle, Packet> payloads_;
  std::map<coordinator::UploadId, Upload> uploads_;
  bool spool_prepared_ = false;
  std::uint64_t extent_bytes_ = 0;  ///< Of the spool, as it lies there.
  bool spool_rotted_ = false;       ///< It was read and found changed, by a flipped bit.
  std::deque<FoldWork> fold_work_;
  std::optional<RingSum> sum_;
};

}  // namespace muster::simulator
