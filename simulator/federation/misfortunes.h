// What befalls processes, machines and disks for a while, and when the operator changes the roster.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "simulator/federation/coordinator_node.h"
#include "simulator/federation/membership.h"
#include "simulator/federation/participant_node.h"
#include "simulator/federation/twin.h"

namespace muster::simulator {

/// Asks every kMisfortuneEvery of each participant and of the coordinator whether it begins. What
/// lasts ends by itself; how long it lasts and which way it goes come from the fault's value.
class Misfortunes {
 public:
  static constexpr Micros kMisfortuneEvery = 500 * kMillisecond;
  /// Longer than leases and deadlines, too.
  static constexpr Micros kPauseLeast = 100 * kMillisecond;
  static constexpr Micros kPauseMost = 60'000 * kMillisecond;
  static constexpr Micros kSlowMost = 30'000 * kMillisecond;
  static constexpr std::int64_t kSlowFactorMost = 32;
  static constexpr Micros kJumpMost = 3'600'000 * kMillisecond;
  static constexpr Micros kNoticeMost = 30'000 * kMillisecond;
  static constexpr Micros kFullMost = 30'000 * kMillisecond;
  /// Away for so many commits or for this time, whichever is over first.
  static constexpr Version kAwayVersionsMost = 8;
  static constexpr Micros kAwayMost = 60'000 * kMillisecond;

  /// All must outlive it, and every action that it leaves in the world's queue.
  Misfortunes(World& world, StateVolume& volume, CoordinatorNode& coordinator, Observer& observer,
              Fleet& fleet, Membership& membership, Twins& twins)
      : world_(world),
        volume_(volume),
        coordinator_(coordinator),
        observer_(observer),
        fleet_(fleet),
        membership_(membership),
        twins_(twins) {}

  /// The first time is kMisfortuneEvery from now.
  void Begin();
  /// What the coordinator's machine and these participants' suffer ends now.
  void Spare(const std::vector<RosterIndex>& core);

 private:
  void Strike();
  void StrikeProcess(Actor actor, Process& process);
  void StrikeParticipant(ParticipantNode& node);
  void StrikeDirectory(ParticipantNode& node);
  void StrikeVolume();
  void SendAway(ParticipantNode& node, std::uint64_t value);
  void Fill(std::uint64_t value);

  World& world_;
  StateVolume& volume_;
  CoordinatorNode& coordinator_;
  Observer& observer_;
  Fleet& fleet_;
  Membership& membership_;
  Twins& twins_;
  Micros full_until_ = 0;
};

}  // namespace muster::simulator
