#include "simulator/world/world.h"

namespace muster::simulator {

std::uint64_t World::Draw(Actor actor) {
  if (actor >= streams_.size()) streams_.resize(actor + 1);
  std::optional<KeyedStream>& stream = streams_[actor];
  if (!stream) stream.emplace(seed_, "world", std::initializer_list<std::uint64_t>{actor});
  const std::uint64_t drawn = stream->Next();
  hash_.Add(drawn);
  return drawn;
}

Micros World::Between(Actor actor, Micros low, Micros high) {
  // The bias of a range of seconds within 64 bits is below 1e-12.
  return low + static_cast<Micros>(Draw(actor) % static_cast<std::uint64_t>(high - low + 1));
}

void World::TookEffect(FaultKind kind, Actor actor, std::string_view what) {
  ++coverage_[{kind, phase()}];
  if (!telling_) return;
  std::string text = "FAULT " + std::string(FaultName(kind));
  if (!what.empty()) text += ": " + std::string(what);
  Tell(actor, std::move(text));
}

bool World::RunUntil(const std::function<bool()>& done, Micros limit) {
  while (!done()) {
    if (!violations_.empty()) return false;
    if (queue_.empty() || queue_.next_at() > limit) return false;
    now_ = queue_.next_at();
    const EventQueue::Event next = queue_.Pop();
    hash_.Add(static_cast<std::uint64_t>(now_));
    hash_.Add(next.actor);
    ++happened_.events;
    next.action();
  }
  return true;
}

void World::Tell(Actor actor, std::string text) {
  if (!telling_) return;
  StoryLine line{now_, actor, std::move(text)};
  if (listener_) return listener_(line);
  story_.push_back(std::move(line));
}

}  // namespace muster::simulator
