#include "simulator/federation/weather.h"

#include <algorithm>

#include "common/random.h"

namespace muster::simulator {
namespace {

/// Uniform in [least, most].
Micros DurationOf(KeyedStream& stream, Micros least, Micros most) {
  return least + static_cast<Micros>(stream.Below(static_cast<std::uint64_t>(most - least + 1)));
}

}  // namespace

void Weather::Know(Actor who) {
  if (airs_.empty()) {
    world_.At(world_.now() + kWeatherEvery, kCoordinator, [this] { Blow(); });
  }
  airs_.try_emplace(who);
}

void Weather::Close(Air& air, std::uint64_t value) {
  KeyedStream stream(value, "partition", {});
  // Half of them are short: what TCP sends again after a second is a case of its own.
  const Micros most = stream.Below(2) == 0 ? kPartitionMost : kPartitionMost / 20;
  const Micros until = world_.now() + DurationOf(stream, kPartitionLeast, most);
  const std::uint64_t ways = 1 + stream.Below(3);
  ++world_.happened().partitions;
  for (std::size_t direction = 0; direction < air.closed_until.size(); ++direction) {
    if ((ways >> direction & 1U) == 0) continue;
    air.closed_until.at(direction) = std::max(air.closed_until.at(direction), until);
  }
}

void Weather::Blow() {
  for (auto& [who, air] : airs_) {
    if (const auto value = world_.Ask(FaultKind::partition, who)) Close(air, *value);
    if (const auto value = world_.Ask(FaultKind::clog, who)) {
      KeyedStream stream(*value, "clog", {});
      ++world_.happened().clogs;
      air.factor = 2 + static_cast<Micros>(stream.Below(kClogFactorMost - 1));
      air.clogged_until = world_.now() + DurationOf(stream, kMillisecond, kClogMost);
    }
  }
  if (const auto value = world_.Ask(FaultKind::split, kCoordinator)) {
    for (auto& [who, air] : airs_) {
      if (KeyedNumber(*value, "split", {who}) % 2 == 0) Close(air, *value);
    }
  }
  world_.At(world_.now() + kWeatherEvery, kCoordinator, [this] { Blow(); });
}

void Weather::Clear(Actor who) {
  const auto found = airs_.find(who);
  if (found != airs_.end()) found->second = Air();
}

Micros Weather::OpenAt(Actor who, Direction direction) const {
  const auto found = airs_.find(who);
  if (found == airs_.end()) return world_.now();
  return std::max(world_.now(), found->second.closed_until.at(static_cast<std::size_t>(direction)));
}

Micros Weather::Factor(Actor who) const {
  const auto found = airs_.find(who);
  const bool clogged = found != airs_.end() && world_.now() < found->second.clogged_until;
  return clogged ? found->second.factor : 1;
}

}  // namespace muster::simulator
