#include "simulator/world/world.h"

namespace muster::simulator {

std::uint64_t World::Draw(Actor actor) {
  auto found = streams_.find(actor);
  if (found == streams_.end()) {
    found = streams_.emplace(actor, KeyedStream(seed_, "world", {actor})).first;
  }
  const std::uint64_t drawn = found->second.Next();
  hash_.Add(drawn);
  return drawn;
}

Micros World::Between(Actor actor, Micros low, Micros high) {
  // The bias of a range of seconds within 64 bits is below 1e-12.
  return low + static_cast<Micros>(Draw(actor) % static_cast<std::uint64_t>(high - low + 1));
}

std::optional<std::uint64_t> World::Ask(FaultKind kind, Actor actor) {
  const auto value = schedule_.Ask(kind, actor);
  if (!value) return std::nullopt;
  hash_.Add(*value);
  ++coverage_[{kind, phase()}];
  if (telling_) Tell(actor, std::string("FAULT ") + std::string(FaultName(kind)));
  return value;
}

bool World::RunUntil(const std::function<bool()>& done, Micros limit) {
  while (!done()) {
    if (!violations_.empty()) return false;
    if (queue_.empty() || queue_.begin()->first.first > limit) return false;
    auto next = queue_.extract(queue_.begin());
    now_ = next.key().first;
    hash_.Add(static_cast<std::uint64_t>(now_));
    hash_.Add(next.mapped().actor);
    ++happened_.events;
    next.mapped().action();
  }
  return true;
}

void World::Tell(Actor actor, std::string text) {
  if (telling_) story_.push_back({now_, actor, std::move(text)});
}

}  // namespace muster::simulator
