#include "simulator/federation/membership.h"

#include <utility>

#include "simulator/federation/durations.h"

namespace muster::simulator {

using coordinator::AdminTicket;

Membership::Membership(World& world, CoordinatorNode& coordinator, Place home, Fleet& fleet,
                       const CoordinatorSetup& setup)
    : world_(world),
      coordinator_(coordinator),
      home_(home),
      fleet_(fleet),
      parts_(setup.job.data.parts),
      needed_(setup.job.round.goal),
      first_members_(setup.roster.size()) {
  coordinator_.on_answer = [this](AdminTicket ticket, const Status& answer, RosterIndex index) {
    OnAnswer(ticket, answer, index);
  };
}

// No key of MakeRoster's ends so.
PublicKey Membership::FreshKey(std::uint64_t value) {
  KeyedStream stream(value, "key", {++keys_});
  PublicKey key;
  for (auto& byte : key.bytes) byte = static_cast<std::decay_t<decltype(byte)>>(stream.Next());
  return key;
}

/// Those who can be drawn for a round.
std::size_t Membership::Members() const {
  std::size_t members = 0;
  for (const auto& node : fleet_) {
    if (node->index() < parts_ && !out_.contains(node->name())) ++members;
  }
  return members;
}

bool Membership::Enroll(std::uint64_t value) {
  if (fleet_.size() >= first_members_ + kNewcomersMost || !requests_.empty()) return false;
  const std::string name = "site-" + std::to_string(fleet_.size());
  const PublicKey key = FreshKey(value);
  Ask({name, key, false, [this, name, key](RosterIndex index) {
         ++world_.happened().enrolled;
         Join(index, name, key);
       }});
  return true;
}

void Membership::Join(RosterIndex index, const std::string& name, const PublicKey& key) {
  world_.Expect(index == fleet_.size(), name + " is enrolled under another's index");
  if (!world_.violations().empty()) return;
  RosterEntry entry{.index = index, .name = name, .key = key};
  fleet_.push_back(std::make_unique<ParticipantNode>(world_, home_, entry));
  fleet_.back()->Start();
}

bool Membership::Revoke(ParticipantNode& node, std::uint64_t value) {
  if (!out_.insert(node.name()).second) return false;
  KeyedStream stream(value, "revoke", {});
  const bool comes_back = Members() < needed_ || stream.Below(2) == 0;
  const Micros out_for = DurationOf(stream, 100 * kMillisecond, kOutMost);
  home_.observer->roster_changed = true;
  Ask({node.name(), {}, true, [this, &node, comes_back, out_for, value](RosterIndex) {
         ++world_.happened().revoked;
         out_.insert(node.name());  // A key that was asked for before this took it back.
         if (!comes_back) return;
         world_.At(world_.now() + out_for, ActorOf(node.index()), [this, &node, value] {
           if (IsOut(node)) NewKey(node, value);
         });
       }});
  return true;
}

void Membership::NewKey(ParticipantNode& node, std::uint64_t value) {
  home_.observer->roster_changed = true;
  const PublicKey key = FreshKey(value);
  Ask({node.name(), key, false, [this, &node, key](RosterIndex index) {
         world_.Expect(index == node.index(), node.name() + " lost its index with its key");
         ++world_.happened().new_keys;
         out_.erase(node.name());
         node.SetKey(key);
         node.Readmit();
       }});
}

void Membership::TakeBack(ParticipantNode& node) {
  if (IsOut(node)) NewKey(node, node.index());
}

void Membership::Ask(Request request) {
  requests_.push_back(std::move(request));
  Turn();
}

void Membership::Turn() {
  if (requests_.empty() || !coordinator_.up() || asked_in_ == coordinator_.process().life()) return;
  asked_in_ = coordinator_.process().life();
  const Request& next = requests_.front();
  ++ticket_;
  if (next.revoke) {
    coordinator_.Request(coordinator::RevokeRequested{ticket_, next.name});
  } else {
    coordinator_.Request(coordinator::EnrollRequested{ticket_, next.name, next.key});
  }
}

void Membership::OnAnswer(AdminTicket ticket, const Status& answer, RosterIndex index) {
  if (ticket != ticket_ || requests_.empty()) return;
  const Request done = std::move(requests_.front());
  requests_.pop_front();
  asked_in_.reset();
  world_.Expect(answer.has_value(), "the operator is refused " + done.name + ": " +
                                        (answer ? "" : answer.error().Text()));
  if (!answer) return;
  if (world_.telling()) {
    world_.Tell(kCoordinator, done.name + (done.revoke ? " is thrown out" : " is enrolled") +
                                  ", says the operator's answer");
  }
  // Not in the middle of a step of the coordinator.
  world_.At(world_.now(), kCoordinator, [this, done, index] {
    done.granted(index);
    Turn();
  });
}

}  // namespace muster::simulator
