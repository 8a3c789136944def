#include "simulator/check/closed_door.h"

#include <algorithm>
#include <optional>
#include <string>

namespace muster::simulator {
namespace {

/// The slot that a message is about, if it is work, a grant or an accept.
std::optional<Slot> SlotOf(const Message& message) {
  if (const auto* task = std::get_if<TaskOrder>(&message)) return task->id.slot;
  if (const auto* grant = std::get_if<Grant>(&message)) return grant->id.slot;
  if (const auto* credit = std::get_if<UploadCredit>(&message)) return credit->id.slot;
  if (const auto* accepted = std::get_if<Accepted>(&message)) return accepted->id.slot;
  if (const auto* committed = std::get_if<Committed>(&message)) return committed->id.slot;
  return std::nullopt;
}

}  // namespace

void ClosedDoor::CheckReceiver(LinkId link, const coordinator::Effect& effect) {
  const auto owner = sessions_.OwnerOf(link);
  const bool enrolled =
      owner && *owner < ledger_.roster().size() && !ledger_.roster()[*owner].revoked;
  Expect(enrolled, [&] {
    return EffectText(effect) + " goes to " +
           (owner ? MemberText(*owner) + ", which is revoked" : "a link without a session");
  });
}

void ClosedDoor::CheckSend(const coordinator::Send& send) {
  if (std::holds_alternative<Refused>(send.message)) return;
  CheckReceiver(send.link, send);
  const auto slot = SlotOf(send.message);
  const auto owner = sessions_.OwnerOf(send.link);
  // A block is whoever's it was leased to: its own checker judges that.
  const bool elastic = setup_.job.data.access == DataAccess::elastic;
  const auto* grant = std::get_if<Grant>(&send.message);
  if (elastic && grant != nullptr && owner) granted_[grant->id] = *owner;
  Expect(elastic || !slot || slot == owner, [&] {
    return std::string(MessageName(send.message)) + " for slot " + std::to_string(*slot) +
           " goes to another's link";
  });
  const auto* welcome = std::get_if<Welcome>(&send.message);
  Expect(welcome == nullptr || welcome->index == owner, [&] {
    return "a welcome as index " + std::to_string(welcome->index) + " goes to another key";
  });
}

void ClosedDoor::CheckBatch(const Batch& batch) {
  for (const auto* put : All<PutAccepted>(batch)) {
    const AcceptedUpdate& update = put->update;
    const bool elastic = setup_.job.data.access == DataAccess::elastic;
    const auto granted = granted_.find(update.id);
    const bool own = elastic ? granted != granted_.end() && granted->second == update.from
                             : update.from == update.id.slot && update.from < setup_.job.data.parts;
    Expect(own && update.from < ledger_.roster().size(), [&] {
      return update.id.Text() + " is accepted from index " + std::to_string(update.from);
    });
  }
  for (const auto* put : All<PutRosterEntry>(batch)) {
    Expect(sessions_.standing() == Standing::no_message,
           [&] { return "a peer's message changes the roster's entry of " + put->entry.name; });
  }
}

bool ClosedDoor::Holds(const std::vector<RosterEntry>& roster, const Wish& wish) {
  const auto entry = std::ranges::find(roster, wish.name, &RosterEntry::name);
  return entry != roster.end() && entry->revoked == wish.revoked &&
         (wish.revoked || entry->key == wish.key);
}

void ClosedDoor::OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) {
  asked_.clear();
  granted_.clear();
  for (const auto& [name, told] : told_) {
    const std::vector<Wish>& since = since_[name];
    const bool other =
        std::ranges::any_of(since, [&](const Wish& wish) { return Holds(recovered.roster, wish); });
    Expect(other || Holds(recovered.roster, told), [&, name = name, revoked = told.revoked] {
      return "the operator was told that " + name + " is " + (revoked ? "revoked" : "enrolled") +
             "; after a start the roster says otherwise";
    });
  }
}

void ClosedDoor::OnEvent(const coordinator::Event& event) {
  Wish wish;
  coordinator::AdminTicket ticket = 0;
  if (const auto* enroll = std::get_if<coordinator::EnrollRequested>(&event)) {
    wish = {enroll->name, enroll->key, false};
    ticket = enroll->ticket;
  } else if (const auto* revoke = std::get_if<coordinator::RevokeRequested>(&event)) {
    wish = {revoke->name, {}, true};
    ticket = revoke->ticket;
  } else {
    return;
  }
  asked_[ticket] = wish;
  since_[wish.name].push_back(wish);
}

void ClosedDoor::CheckAnswer(const coordinator::AnswerAdmin& answer) {
  if (!answer.status) return;
  const auto asked = asked_.find(answer.ticket);
  Expect(asked != asked_.end(), [] { return "a request that nobody made is granted"; });
  if (asked == asked_.end()) return;
  const Wish wish = asked->second;
  Expect(Holds(ledger_.roster(), wish), [&] {
    return "the operator is told that " + wish.name + " is " +
           (wish.revoked ? "revoked" : "enrolled") + " before it is written";
  });
  told_[wish.name] = wish;
  since_[wish.name].clear();
  asked_.erase(asked);
}

void ClosedDoor::OnEffect(const coordinator::Effect& effect) {
  if (sessions_.standing() == Standing::not_enrolled) {
    Expect(OnlyRefuses(effect),
           [&] { return "a key that may not come in brings about " + EffectText(effect); });
  }
  if (const auto* send = std::get_if<coordinator::Send>(&effect)) {
    CheckSend(*send);
  } else if (const auto* model = std::get_if<coordinator::SendModelChunk>(&effect)) {
    CheckReceiver(model->link, effect);
  } else if (const auto* answer = std::get_if<coordinator::AnswerAdmin>(&effect)) {
    CheckAnswer(*answer);
  } else if (const auto* persist = std::get_if<coordinator::Persist>(&effect)) {
    CheckBatch(persist->batch);
  } else if (std::holds_alternative<coordinator::StoreChunk>(effect)) {
    const auto* chunk = std::get_if<coordinator::ChunkReceived>(sessions_.event());
    const bool elastic = setup_.job.data.access == DataAccess::elastic;
    const auto owner = chunk == nullptr ? std::nullopt
                       : elastic        ? std::optional(granted_[chunk->chunk.id])
                                        : std::optional(chunk->chunk.id.slot);
    Expect(owner && sessions_.speaker() == owner, [&] {
      return "bytes of " + (chunk == nullptr ? "no chunk" : chunk->chunk.id.Text()) +
             " are taken from another index";
    });
  }
}

}  // namespace muster::simulator
