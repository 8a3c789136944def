// What lies between a participant and its coordinator for a while: partitions and clogged links.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "simulator/world/world.h"

namespace muster::simulator {

/// The ways of a message.
enum class Direction : std::uint8_t { to_client = 0, to_server = 1 };

/// Asks every kWeatherEvery, of all who ever connected, whether it begins; all of it ends by
/// itself. One way or both ways, each with the same chance.
class Weather {
 public:
  static constexpr Micros kWeatherEvery = 1'000 * kMillisecond;
  static constexpr Micros kPartitionLeast = 100 * kMillisecond;
  static constexpr Micros kPartitionMost = 60'000 * kMillisecond;
  static constexpr Micros kClogMost = 20'000 * kMillisecond;
  static constexpr std::uint64_t kClogFactorMost = 100;

  explicit Weather(World& world) : world_(world) {}

  /// From now on `who` is asked for. The first call starts the weather.
  void Know(Actor who);
  /// What lies between it and its coordinator now ends.
  void Clear(Actor who);
  /// When what is sent now can set out: now, or when the partition ends.
  Micros OpenAt(Actor who, Direction direction) const;
  /// By which latencies are longer now.
  Micros Factor(Actor who) const;

 private:
  struct Air {
    std::array<Micros, 2> closed_until = {};  ///< By direction.
    Micros clogged_until = 0;
    Micros factor = 1;
  };

  void Blow();
  void Close(Air& air, std::uint64_t value);

  World& world_;
  std::map<Actor, Air> airs_;
};

}  // namespace muster::simulator
