#include "simulator/federation/twin.h"

#include <utility>

#include "simulator/federation/durations.h"

namespace muster::simulator {

bool Twins::Begin(std::uint64_t value) {
  if (running_ || !first_.up()) return false;
  std::shared_ptr<StateVolume> copy = volume_.Copy();
  if (copy == nullptr) return false;
  KeyedStream stream(value, "twin", {});
  running_ = true;
  ++world_.happened().twins;
  home_.observer->copied = true;
  if (world_.telling()) world_.Tell(kTwin, "a second coordinator starts on a copy of the state");
  Twin& twin = *twins_.emplace_back(std::make_unique<Twin>(world_, value));
  twin.coordinator = std::make_unique<CoordinatorNode>(world_, twin.network, twin.observer,
                                                       std::move(copy), setup_, kTwin);
  twin.coordinator->GoOnFrom(first_);
  twin.coordinator->Start();
  for (const auto& node : fleet_) {
    if (stream.Below(2) == 0) continue;
    twin.led.insert(node->index());
    ++world_.happened().led_to_twins;
    node->Lead({&twin.network, &twin.observer});
    node->LoseLink();
  }
  const Micros lasts = DurationOf(stream, kTwinLeast, kTwinMost);
  world_.At(world_.now() + lasts / 2, kTwin, [this, &twin] { LeadBack(twin); });
  world_.At(world_.now() + lasts, kTwin, [this, &twin] {
    if (running_ && &twin == twins_.back().get()) End();
  });
  return true;
}

// While both run: the first one is older than what these have seen, or another of the same epoch.
void Twins::LeadBack(Twin& twin) {
  if (!running_ || &twin != twins_.back().get()) return;
  for (const RosterIndex index : twin.led) {
    if (KeyedNumber(twin.value, "back", {index}) % 2 == 0) continue;
    fleet_[index]->Lead(home_);
    fleet_[index]->LoseLink();
  }
}

void Twins::End() {
  if (!running_) return;
  running_ = false;
  Twin& twin = *twins_.back();
  if (world_.telling()) world_.Tell(kTwin, "the second coordinator is thrown away");
  twin.coordinator->ThrowAway();
  for (const RosterIndex index : twin.led) {
    ParticipantNode& node = *fleet_[index];
    node.Lead(home_);
    const std::uint64_t draw = KeyedNumber(twin.value, "unnoticed", {index});
    if (draw % 2 == 0) {
      LeaveUnnoticed(node, draw / 2);
    } else {
      // Its memory may be ahead of its disk: whoever may have followed, has.
      unnoticed_.erase(index);
      node.StartAfresh();
    }
  }
}

// It meets the first coordinator as it is: an older one, or one of an epoch that is newer by now
// and yet not of those that it followed.
void Twins::LeaveUnnoticed(ParticipantNode& node, std::uint64_t draw) {
  const RosterIndex index = node.index();
  unnoticed_.insert(index);
  node.LoseLink();
  world_.At(world_.now() + static_cast<Micros>(draw % kUnnoticedMost), ActorOf(index),
            [this, &node] {
              if (unnoticed_.erase(node.index()) > 0) node.StartAfresh();
            });
}

void Twins::Settle() {
  End();
  for (const RosterIndex index : std::exchange(unnoticed_, {})) fleet_[index]->StartAfresh();
}

}  // namespace muster::simulator
