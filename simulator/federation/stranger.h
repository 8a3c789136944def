// Somebody whose key is not enrolled.
#pragma once

#include <string>
#include <vector>

#include "simulator/federation/forgery.h"
#include "simulator/federation/network.h"

namespace muster::simulator {

/// Knocks at its turns (FaultKind::stranger). Half of the time the gate judges it; else it stands
/// on a connection from before its key lost its entry, where the core alone can refuse it, and says
/// what it has overheard or forged.
/// The actor of each.
inline constexpr Actor StrangerActor(std::uint32_t number) { return kActorsMax - 2 - number; }

class Stranger {
 public:
  static constexpr Micros kTurnEvery = 1'000 * kMillisecond;

  /// `number` from 0; `names` of all who are enrolled. The world and the network must outlive it.
  Stranger(World& world, Network& network, std::uint32_t number, std::vector<std::string> names);

  void Start();

 private:
  void Turn();
  void Knock(std::uint64_t value);
  void Speak(std::uint64_t value);

  World& world_;
  Network& network_;
  const Actor actor_;
  PublicKey key_;
  Knowledge known_;
  LinkId link_ = 0;
};

}  // namespace muster::simulator
