// The coordinator's core in virtual time: its effects performed on a disk in memory that forgets
// what was not synced, with the real checks, sums and versions.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "aggregation/ring_sum.h"
#include "aggregation/strategy.h"
#include "aggregation/update_checker.h"
#include "common/thread_pool.h"
#include "coordinator/core/core.h"
#include "tests/coordinator/memory_state.h"
#include "tests/federation/network.h"
#include "training/trainer.h"

namespace muster::federation {

/// What outlives the coordinator process, and what the test judges it by.
struct CoordinatorDisk {
  testing::MemoryState state;   ///< As a restarted process finds it.
  testing::MemoryState synced;  ///< As a restarted machine finds it, at least.
  std::vector<Batch> unsynced;  ///< Between the two.
  std::map<Version, ParameterSet> versions;
  std::vector<Bytes> spool, spool_synced;
  Version reported = 0;              ///< The last version in the event stream.
  std::vector<RoundRecord> records;  ///< Every commit, in order.
  std::set<UpdateId> accepted;       ///< Whatever was accepted durably, ever.
};

class CoordinatorNode {
 public:
  CoordinatorNode(World& world, Network& network, const JobSpec& job,
                  const coordinator::CoordinatorOptions& options, std::vector<RosterEntry> roster);

  /// A start of the process on its disk.
  void Start();
  bool finished() const { return finished_; }
  const CoordinatorDisk& disk() const { return disk_; }
  /// One sentence for the message of a test that hangs.
  std::string Waiting() const;

 private:
  struct Upload {
    std::uint32_t extent = 0;
    std::uint64_t bytes = 0, stored = 0;
    bool rejected = false;
    UpdateChecker checker;
  };

  void Feed(const coordinator::Event& event);
  void TickLater();
  void Die(bool machine);
  void StartLater();
  /// Runs `action` when `worker` is done with it, unless the process died meanwhile.
  void Later(Worker& worker, Micros most, std::function<void()> action);
  void Apply(const Batch& batch);

  void Perform(const coordinator::Send& effect);
  void Perform(const coordinator::SendModelChunk& effect);
  void Perform(const coordinator::DropLink& effect) { network_.Drop(effect.link); }
  void Perform(const coordinator::Persist& effect);
  void Perform(const coordinator::PrepareSpool& effect);
  void Perform(const coordinator::OpenUpload& effect);
  void Perform(const coordinator::StoreChunk& effect);
  void Perform(const coordinator::DropPayload& effect) { payloads_.erase(effect.payload); }
  void Perform(const coordinator::CloseUpload& effect) { uploads_.erase(effect.upload); }
  void Perform(const coordinator::SyncSpool& effect);
  void Perform(const coordinator::OpenSum& effect);
  void Perform(const coordinator::Fold& effect);
  void Perform(const coordinator::BuildVersion& effect);
  void Perform(const coordinator::AdvanceHead&) {}
  void Perform(const coordinator::Evaluate& effect);
  void Perform(const coordinator::SetRoster&) {}
  void Perform(const coordinator::AnswerAdmin&) {}
  void Perform(const coordinator::Notice& effect);
  void Perform(const coordinator::ArmTimer& effect);
  void Perform(const coordinator::Stop& effect);
  void FinishStore(const coordinator::StoreChunk& effect);

  const ParameterSet& Head() const;

  World& world_;
  Network& network_;
  const JobSpec job_;
  const coordinator::CoordinatorOptions options_;
  std::vector<RosterEntry> roster_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Strategy> strategy_;
  ThreadPool pool_{1};
  CoordinatorDisk disk_;

  // --- One process ------------------------------------------------------------------------------
  std::unique_ptr<coordinator::CoordinatorCore> core_;
  std::uint64_t life_ = 0;
  int deaths_ = 0;
  bool finished_ = false;
  bool stopping_ = false;
  bool feeding_ = false;
  std::string phase_;
  std::deque<coordinator::Event> events_;
  Worker store_, fold_, evaluator_;
  std::map<std::uint32_t, Worker> extents_;
  std::deque<Batch> queued_;  ///< Given to the store, not yet written.
  coordinator::PayloadHandle last_payload_ = 0;
  std::map<coordinator::PayloadHandle, Packet> payloads_;
  std::map<coordinator::UploadId, Upload> uploads_;
  std::optional<RingSum> sum_;
};

}  // namespace muster::federation
