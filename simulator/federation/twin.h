// Two coordinators on one state: a second one starts from a copy of the first one's disk.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "simulator/federation/coordinator_node.h"
#include "simulator/federation/membership.h"

namespace muster::simulator {

/// The actor of every second coordinator: no participant is so many.
inline constexpr Actor kTwin = kActorsMax - 1;

/// One at a time. It is believed by those whose links lead to it; what it promises is void once it
/// is thrown away, so it has an Observer of its own, which nobody watches. Then the operator does
/// what docs/durability.md says: whoever followed it starts again in an empty directory; of some he
/// knows so only later, and until then they come to the first one with what they have. Not
/// thread-safe.
class Twins {
 public:
  static constexpr Micros kTwinLeast = 1'000 * kMillisecond;
  static constexpr Micros kTwinMost = 30'000 * kMillisecond;
  /// Until the operator knows of one who followed it.
  static constexpr Micros kUnnoticedMost = 60'000 * kMillisecond;

  /// All must outlive it, and every action that it leaves in the world's queue.
  Twins(World& world, const StateVolume& volume, CoordinatorNode& first, Place home, Fleet& fleet,
        const CoordinatorSetup& setup)
      : world_(world), volume_(volume), first_(first), home_(home), fleet_(fleet), setup_(setup) {}

  /// False: none starts where one runs, the first does not, or the volume cannot be copied.
  bool Begin(std::uint64_t value);
  /// The second one is killed and thrown away; nothing where none runs.
  void End();
  /// As End, and nobody has the directory any more with which he followed one.
  void Settle();

 private:
  struct Twin {
    Twin(World& world, std::uint64_t value_in) : value(value_in), network(world) {}
    const std::uint64_t value;  ///< The fault's.
    Network network;
    Observer observer;
    std::unique_ptr<CoordinatorNode> coordinator;
    std::set<RosterIndex> led;
  };

  void LeadBack(Twin& twin);
  void LeaveUnnoticed(ParticipantNode& node, std::uint64_t draw);

  World& world_;
  const StateVolume& volume_;
  CoordinatorNode& first_;
  const Place home_;
  Fleet& fleet_;
  const CoordinatorSetup& setup_;
  bool running_ = false;
  std::set<RosterIndex> unnoticed_;  ///< Those that have a directory to be taken from them.
  /// All there were: what is queued in the world may still name them.
  std::vector<std::unique_ptr<Twin>> twins_;
};

}  // namespace muster::simulator
