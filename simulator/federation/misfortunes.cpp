#include "simulator/federation/misfortunes.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "simulator/federation/durations.h"

namespace muster::simulator {
namespace {

/// Half the true rate to twice it.
constexpr std::int64_t kRateLeast = ProcessClock::kTrueRate / 2;
constexpr std::int64_t kRateMost = ProcessClock::kTrueRate * 2;
/// By VolumeOperation: what is about to fail.
constexpr std::array<std::string_view, kVolumeOperations> kOperationNames = {
    "the next write of a batch", "the next sync of a batch", "the next sync of a version",
    "the next write to the spool", "the next sync of the spool"};

}  // namespace

void Misfortunes::Begin() {
  world_.At(world_.now() + kMisfortuneEvery, kCoordinator, [this] { Strike(); });
}

void Misfortunes::Strike() {
  StrikeProcess(kCoordinator, coordinator_.process());
  StrikeVolume();
  // By index: the fleet may grow under it.
  for (std::size_t i = 0; i < fleet_.size(); ++i) {
    StrikeProcess(ActorOf(fleet_[i]->index()), fleet_[i]->process());
    StrikeParticipant(*fleet_[i]);
  }
  membership_.Turn();
  Begin();
}

void Misfortunes::StrikeProcess(Actor actor, Process& process) {
  if (const auto value = world_.Propose(FaultKind::pause, actor); value && process.running()) {
    world_.TookEffect(FaultKind::pause, actor);
    KeyedStream stream(*value, "pause", {});
    const Micros duration = DurationOf(stream, kPauseLeast, kPauseMost);
    ++world_.happened().pauses;
    if (world_.telling()) world_.Tell(actor, "stands still for " + SecondsText(duration));
    process.Pause(duration);
  }
  if (const auto value = world_.Ask(FaultKind::slow, actor)) {
    KeyedStream stream(*value, "slow", {});
    const auto factor = 2 + static_cast<std::int64_t>(stream.Below(kSlowFactorMost - 1));
    ++world_.happened().slowdowns;
    process.SlowDown(factor, DurationOf(stream, kMisfortuneEvery, kSlowMost));
  }
  if (const auto value = world_.Propose(FaultKind::clock, actor); value && process.running()) {
    world_.TookEffect(FaultKind::clock, actor);
    KeyedStream stream(*value, "clock", {});
    ++world_.happened().clock_changes;
    if (stream.Below(2) == 0) {
      const Micros jump = DurationOf(stream, kMisfortuneEvery, kJumpMost);
      if (world_.telling()) world_.Tell(actor, "its clock jumps by " + SecondsText(jump));
      process.Jump(jump);
    } else {
      process.SetRate(kRateLeast +
                      static_cast<std::int64_t>(stream.Below(kRateMost - kRateLeast + 1)));
    }
  }
}

void Misfortunes::StrikeParticipant(ParticipantNode& node) {
  const Actor actor = ActorOf(node.index());
  if (const auto value = world_.Propose(FaultKind::preempt, actor); value && node.up()) {
    world_.TookEffect(FaultKind::preempt, actor);
    KeyedStream stream(*value, "preempt", {});
    const bool machine = stream.Below(2) == 0;
    const bool noticed = stream.Below(2) == 0;
    const std::uint64_t draw = stream.Next();
    node.Preempt(noticed ? DurationOf(stream, kMisfortuneEvery / 5, kNoticeMost) : 0, machine,
                 draw);
  }
  if (const auto value = world_.Propose(FaultKind::leave, actor); value && !node.away()) {
    world_.TookEffect(FaultKind::leave, actor);
    SendAway(node, *value);
  }
  StrikeDirectory(node);
  if (const auto value = world_.Propose(FaultKind::revoke, actor)) {
    if (membership_.Revoke(node, *value)) world_.TookEffect(FaultKind::revoke, actor);
  }
  if (const auto value = world_.Ask(FaultKind::new_key, actor)) membership_.NewKey(node, *value);
}

void Misfortunes::StrikeDirectory(ParticipantNode& node) {
  const Actor actor = ActorOf(node.index());
  if (!node.up()) return;
  if (const auto value = world_.Ask(FaultKind::member_full, actor)) {
    KeyedStream stream(*value, "member_full", {});
    const Micros duration = DurationOf(stream, kMisfortuneEvery / 5, kFullMost);
    ++world_.happened().member_disks_full;
    if (world_.telling()) world_.Tell(actor, "its volume is full for " + SecondsText(duration));
    node.disk().Fill(world_.now() + duration);
  }
  if (!node.disk().HoldsAny()) return;
  if (const auto value = world_.Ask(FaultKind::member_rot, actor)) {
    const std::string_view flipped = node.disk().Rot(*value);
    ++world_.happened().member_rots;
    if (world_.telling()) world_.Tell(actor, "a bit flips in its " + std::string(flipped));
  }
}

void Misfortunes::SendAway(ParticipantNode& node, std::uint64_t value) {
  KeyedStream stream(value, "leave", {});
  ++world_.happened().absences;
  node.Leave(/*stays_away=*/true);
  const Version back_at = observer_.announced + 1 + stream.Below(kAwayVersionsMost);
  const Micros back_by = world_.now() + DurationOf(stream, kMisfortuneEvery, kAwayMost);
  // Looked at now and then, as by an operator.
  const auto look = [this, &node, back_at, back_by](const auto& again) -> void {
    if (!node.away()) return;
    if (observer_.announced >= back_at || world_.now() >= back_by) return node.KeepAway(false);
    world_.At(world_.now() + kMisfortuneEvery, ActorOf(node.index()), [again] { again(again); });
  };
  look(look);
}

void Misfortunes::StrikeVolume() {
  if (const auto value = world_.Ask(FaultKind::disk_full, kCoordinator)) Fill(*value);
  if (const auto value = world_.Propose(FaultKind::disk_error, kCoordinator)) {
    const std::uint64_t operation = *value % kVolumeOperations;
    world_.TookEffect(FaultKind::disk_error, kCoordinator, kOperationNames.at(operation));
    ++world_.happened().disk_errors;
    volume_.FailNext(static_cast<VolumeOperation>(operation));
  }
  if (const auto value = world_.Propose(FaultKind::rot, kCoordinator); value && volume_.powered()) {
    if (auto flip = volume_.Rot(*value)) {
      world_.TookEffect(FaultKind::rot, kCoordinator);
      ++world_.happened().rots;
      if (world_.telling()) world_.Tell(kCoordinator, "a bit flips in " + flip->name);
      world_.flips().Add(std::move(*flip));
    }
  }
  if (const auto value = world_.Propose(FaultKind::twin, kCoordinator)) {
    if (twins_.Begin(*value)) world_.TookEffect(FaultKind::twin, kCoordinator);
  }
  if (const auto value = world_.Propose(FaultKind::enroll, kCoordinator)) {
    if (membership_.Enroll(*value)) world_.TookEffect(FaultKind::enroll, kCoordinator);
  }
}

void Misfortunes::Fill(std::uint64_t value) {
  KeyedStream stream(value, "disk_full", {});
  const Micros duration = DurationOf(stream, kMisfortuneEvery / 5, kFullMost);
  ++world_.happened().disks_full;
  if (world_.telling()) {
    world_.Tell(kCoordinator, "its volume is full for " + SecondsText(duration));
  }
  full_until_ = std::max(full_until_, world_.now() + duration);
  volume_.SetFull(true);
  world_.At(full_until_, kCoordinator, [this] {
    if (world_.now() >= full_until_) volume_.SetFull(false);
  });
}

void Misfortunes::Spare(const std::vector<RosterIndex>& core) {
  coordinator_.process().Heal();
  full_until_ = world_.now();
  volume_.SetFull(false);
  twins_.Settle();
  for (const RosterIndex index : core) {
    membership_.TakeBack(*fleet_.at(index));
    fleet_[index]->Heal();
  }
}

}  // namespace muster::simulator
