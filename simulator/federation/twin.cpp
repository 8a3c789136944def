#include "simulator/federation/twin.h"

#include "simulator/federation/durations.h"

namespace muster::simulator {

void Twins::Begin(std::uint64_t value) {
  if (running_ || !first_.up()) return;
  std::shared_ptr<StateVolume> copy = volume_.Copy();
  if (copy == nullptr) return;
  KeyedStream stream(value, "twin", {});
  running_ = true;
  ++world_.happened().twins;
  home_.observer->copied = true;
  if (world_.telling()) world_.Tell(kTwin, "a second coordinator starts on a copy of the state");
  Twin& twin = *twins_.emplace_back(std::make_unique<Twin>(world_));
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
  world_.At(world_.now() + lasts / 2, kTwin, [this, &twin, value] { LeadBack(twin, value); });
  world_.At(world_.now() + lasts, kTwin, [this, &twin] {
    if (running_ && &twin == twins_.back().get()) End();
  });
}

// While both run: the first one is older than what these have seen, or another of the same epoch.
void Twins::LeadBack(Twin& twin, std::uint64_t value) {
  if (!running_ || &twin != twins_.back().get()) return;
  for (const RosterIndex index : twin.led) {
    if (KeyedNumber(value, "back", {index}) % 2 == 0) continue;
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
    // Its memory may be ahead of its disk: whoever may have followed, has.
    node.StartAfresh();
  }
}

}  // namespace muster::simulator
