// One coordinator and its participants, put together, run to the end and judged.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "simulator/check/checkers.h"
#include "simulator/check/content_hash.h"
#include "simulator/disk/virtual_disk.h"
#include "simulator/federation/coordinator_node.h"
#include "simulator/federation/hostile_node.h"
#include "simulator/federation/membership.h"
#include "simulator/federation/misfortunes.h"
#include "simulator/federation/participant_node.h"
#include "simulator/federation/stranger.h"
#include "simulator/federation/twin.h"
#include "simulator/store/disk_volume.h"

namespace muster::simulator {

/// Participants "site-0" to "site-N", each with the key that its index makes.
std::vector<RosterEntry> MakeRoster(std::uint32_t count);

/// What a run leaves. Equal constructions give equal runs.
struct RunResult {
  bool finished = false;
  /// It ended for damage that a flipped bit accounts for: finished, too, without records.
  bool damaged = false;
  std::vector<RoundRecord> records;  ///< Of versions 1 and up, read from the store at the end.
  Sha256Digest digest{};             ///< Of the last version.
  Happened happened;
  Micros ended_at = 0;
  std::vector<std::string> violations;
  std::string waiting;  ///< Of a run that did not finish: who waits for what.
};

class Federation {
 public:
  /// On a DiskVolume of its own.
  Federation(std::uint64_t seed, const Faults& faults, CoordinatorSetup setup);
  Federation(World world, std::shared_ptr<StateVolume> volume, CoordinatorSetup setup);
  ~Federation();

  World& world() { return world_; }
  /// REQUIRES: constructed without a volume.
  VirtualDisk& disk() { return *disk_; }
  /// The same: it may outlive the federation.
  std::shared_ptr<VirtualDisk> shared_disk() { return disk_; }
  Observer& observer() { return observer_; }
  const Checkers& checkers() const { return *checkers_; }
  CoordinatorNode& coordinator() { return *coordinator_; }
  ParticipantNode& participant(RosterIndex index) { return *participants_.at(index); }

  /// Starts everybody within 50 ms and runs until the coordinator has finished, a promise is broken
  /// or `patience` is over; then reads the ledger and judges it: one commit a round, each update in
  /// at most one, every acknowledged one in one.
  RunResult Run(Micros patience);

  /// The same in pieces: everybody is to start within 50 ms, the caller runs the world, and Finish
  /// judges. Each once.
  void Begin();
  RunResult Finish();

  /// For a run's last phase: from now on nothing new goes wrong with the coordinator and these
  /// participants, and what is wrong with them or their links ends. The others suffer on.
  void SpareCore(const std::vector<RosterIndex>& core);
  /// Those who can be in a core: with a part of the data, and not hostile.
  std::vector<RosterIndex> AbleToServe() const;
  /// How often each checker looked so far.
  Looks looks() const { return checkers_->looks(); }

 private:
  void MakeNodes();
  void MakeEnemies();
  void JudgeEnd(RunResult& result);
  void JudgeDamaged();

  World world_;
  Observer observer_;
  Network network_;
  const CoordinatorSetup setup_;
  std::shared_ptr<VirtualDisk> disk_;
  std::shared_ptr<StateVolume> volume_;
  ContentHash content_hash_{world_};
  std::unique_ptr<Checkers> checkers_;
  std::unique_ptr<CoordinatorNode> coordinator_;
  Fleet participants_;
  std::vector<std::unique_ptr<HostileNode>> hostiles_;
  std::vector<std::unique_ptr<Stranger>> strangers_;
  std::unique_ptr<Membership> membership_;
  std::unique_ptr<Twins> twins_;
  std::unique_ptr<Misfortunes> misfortunes_;
};

}  // namespace muster::simulator
