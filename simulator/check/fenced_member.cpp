#include "simulator/check/fenced_member.h"

#include <iterator>
#include <string>

namespace muster::simulator {
namespace {

Fence FenceOf(const std::optional<SeenState>& seen) {
  return seen ? Fence{seen->lineage.number, seen->epoch} : Fence{};
}

/// What only a coordinator that is followed may bring about.
bool Acts(const participant::Effect& effect) {
  if (const auto* send = std::get_if<participant::Send>(&effect)) {
    return std::holds_alternative<Offer>(send->message);
  }
  return std::holds_alternative<participant::StartFit>(effect) ||
         std::holds_alternative<participant::SaveState>(effect) ||
         std::holds_alternative<participant::SendBulk>(effect) ||
         std::holds_alternative<participant::SendUpdateChunk>(effect) ||
         std::holds_alternative<participant::OpenModel>(effect) ||
         std::holds_alternative<participant::StoreChunk>(effect) ||
         std::holds_alternative<participant::ForgetUpdate>(effect);
}

/// Whether `next` may follow `before`.
bool NotOlder(const SeenState& before, const SeenState& next) {
  if (before.lineage != next.lineage) return next.lineage.number > before.lineage.number;
  if (before.epoch == next.epoch) return next.version >= before.version;
  return next.epoch.number > before.epoch.number && next.version >= before.version;
}

}  // namespace

void FencedMember::OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) {
  epochs_.insert(recovered.epoch.epoch);
}

void FencedMember::OnParticipantStart(RosterIndex who, const participant::DurableState& state) {
  members_[who] = Member{.seen = state.seen};
}

void FencedMember::OnParticipantEvent(RosterIndex who, const participant::Event& event) {
  Member& member = members_[who];
  member.foreign.reset();
  if (const auto* received = std::get_if<participant::Received>(&event)) {
    // A welcome may name a newer coordinator; a refusal is heeded whoever says it.
    const bool judged = std::holds_alternative<Refused>(received->message);
    const bool welcome = std::holds_alternative<Welcome>(received->message);
    const Fence& fence = received->fence;
    const Fence own = FenceOf(member.seen);
    const bool older = fence.lineage < own.lineage ||
                       (fence.lineage == own.lineage && fence.epoch.number < own.epoch.number);
    if (!judged && (welcome ? older : fence != own)) member.foreign = fence;
  } else if (const auto* chunk = std::get_if<participant::ChunkReceived>(&event)) {
    if (chunk->fence != FenceOf(member.seen)) member.foreign = chunk->fence;
  }
}

void FencedMember::OnSave(RosterIndex who, Member& member, const participant::SaveState& save) {
  const std::optional<SeenState>& next = save.state.seen;
  Expect(!member.seen || (next && NotOlder(*member.seen, *next)), [&] {
    return MemberText(who) + " has seen " + FenceText(FenceOf(member.seen)) + " and version " +
           std::to_string(member.seen->version) + ", and saves " + FenceText(FenceOf(next)) +
           (next ? " and version " + std::to_string(next->version) : "");
  });
  const bool own = !member.seen || epochs_.contains(member.seen->epoch);
  // In a hello whose bits flipped before they were sealed the coordinator reads another epoch.
  const bool may_be_misread = world_.happened().garbled_hellos.contains(ActorOf(who));
  Expect(own || may_be_misread || (next && next->epoch == member.seen->epoch), [&] {
    return MemberText(who) + " has followed another coordinator in " +
           FenceText(FenceOf(member.seen)) + ", and follows this one in " +
           FenceText(FenceOf(next));
  });
  member.seen = next;
}

void FencedMember::CheckFence(RosterIndex who, const Member& member, const Fence& fence) {
  Expect(fence == FenceOf(member.seen), [&] {
    return MemberText(who) + " speaks to " + FenceText(fence) + " and follows " +
           FenceText(FenceOf(member.seen));
  });
}

void FencedMember::OnParticipantEffect(RosterIndex who, const participant::Effect& effect) {
  Member& member = members_[who];
  if (member.foreign) {
    Expect(!Acts(effect), [&] {
      return MemberText(who) + ", which follows " + FenceText(FenceOf(member.seen)) +
             ", acts on a message of " + FenceText(*member.foreign);
    });
  }
  if (const auto* save = std::get_if<participant::SaveState>(&effect)) {
    OnSave(who, member, *save);
  } else if (const auto* send = std::get_if<participant::Send>(&effect)) {
    const bool of_session = !std::holds_alternative<Hello>(send->message) &&
                            !std::holds_alternative<RefuseCoordinator>(send->message);
    if (of_session) CheckFence(who, member, send->fence);
  } else if (const auto* bulk = std::get_if<participant::SendBulk>(&effect)) {
    CheckFence(who, member, bulk->fence);
  } else if (const auto* chunk = std::get_if<participant::SendUpdateChunk>(&effect)) {
    CheckFence(who, member, chunk->fence);
  }
}

}  // namespace muster::simulator
