#include "simulator/federation/hostile_node.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/digest.h"
#include "common/limits.h"
#include "simulator/federation/corruption.h"

namespace muster::simulator {
namespace {

constexpr std::size_t kLinksMost = 4;
constexpr std::size_t kHeardMost = 64;
constexpr std::uint64_t kTurnsOfALease = 4;
constexpr std::uint64_t kForgedPayloadMost = 64U << 10;

Channel ChannelFor(const Message& message) {
  const bool bulk =
      std::holds_alternative<BulkHello>(message) || std::holds_alternative<ModelRequest>(message) ||
      std::holds_alternative<ModelChunk>(message) || std::holds_alternative<UpdateChunk>(message);
  return bulk ? Channel::bulk : Channel::control;
}

/// Raw bytes for a forged chunk: mostly as many as it says.
std::shared_ptr<const Bytes> PayloadFor(const Message& message, KeyedStream& stream) {
  std::uint64_t bytes = 0;
  if (const auto* chunk = std::get_if<ModelChunk>(&message)) bytes = chunk->bytes;
  if (const auto* chunk = std::get_if<UpdateChunk>(&message)) bytes = chunk->bytes;
  if (stream.Below(8) == 0) ++bytes;
  if (bytes == 0) return nullptr;
  return std::make_shared<const Bytes>(std::min(bytes, kForgedPayloadMost));
}

}  // namespace

HostileNode::HostileNode(World& world, Network& network, const RosterEntry& entry,
                         std::vector<std::string> names, const ParameterLayout& layout)
    : world_(world),
      network_(network),
      entry_(entry),
      actor_(ActorOf(entry.index)),
      layout_(layout) {
  known_.names = std::move(names);
  std::swap(known_.names.front(), known_.names.at(entry.index));
  known_.update_bytes = layout.total_bytes();
}

Incarnation HostileNode::NewIncarnation() {
  Incarnation incarnation;
  for (std::byte& byte : incarnation.bytes) byte = static_cast<std::byte>(world_.Draw(actor_));
  return incarnation;
}

void HostileNode::Start() {
  network_.Overhear();
  known_.incarnation = NewIncarnation();
  Turn();
}

void HostileNode::Turn() {
  if (links_.empty()) Open(known_.incarnation);
  if (++turns_ % kTurnsOfALease == 0) {
    for (const auto& [link, state] : links_) {
      if (state.up) Say(link, Channel::control, {known_.fence, LeaseRenew{}});
    }
  }
  const std::pair<FaultKind, void (HostileNode::*)(KeyedStream&)> harms[] = {
      {FaultKind::babble, &HostileNode::Babble}, {FaultKind::stale, &HostileNode::SayStale},
      {FaultKind::replay, &HostileNode::Replay}, {FaultKind::poison, &HostileNode::OfferPoison},
      {FaultKind::usurp, &HostileNode::Usurp},   {FaultKind::flood, &HostileNode::Flood}};
  for (const auto& [kind, harm] : harms) {
    const auto value = world_.Propose(kind, actor_);
    if (!value) continue;
    ++world_.happened().hostile_acts;
    KeyedStream stream(*value, "harm", {});
    const std::uint64_t before = acts_;
    (this->*harm)(stream);
    if (acts_ > before) world_.TookEffect(kind, actor_);
  }
  if (poison_ && poison_->granted && poison_->flaw == Flaw::drip) SendUpdate();
  world_.At(world_.now() + kTurnEvery, actor_, [this] { Turn(); });
}

// --- Links ---------------------------------------------------------------------------------------

void HostileNode::Open(const Incarnation& incarnation) {
  if (links_.size() >= kLinksMost) Shut(links_.begin()->first);
  // The ends are called later: by then the id is known.
  const auto id = std::make_shared<LinkId>(0);
  const auto of_this_link = [this, id](auto action) {
    return [this, id, action](const auto&... what) {
      if (links_.contains(*id)) action(*id, what...);
    };
  };
  ClientEnd end;
  end.on_up = of_this_link([this](LinkId link) {
    links_.at(link).up = true;
    Say(link, Channel::control, {Fence{}, Greeting(links_.at(link).incarnation)});
  });
  end.on_down = of_this_link([this](LinkId link, Reason) { Shut(link); });
  end.on_packet =
      of_this_link([this](LinkId link, const Packet& packet) { OnPacket(link, packet); });
  *id = network_.Open(actor_, entry_.key, std::move(end));
  links_[*id] = {incarnation, false};
  ++acts_;
}

void HostileNode::Shut(LinkId link) {
  if (links_.erase(link) > 0) network_.Close(link);
}

LinkId HostileNode::AnyLink(KeyedStream& stream) const {
  std::vector<LinkId> up;
  for (const auto& [link, state] : links_) {
    if (state.up) up.push_back(link);
  }
  return up.empty() ? 0 : up[stream.Below(up.size())];
}

Hello HostileNode::Greeting(const Incarnation& incarnation) const {
  Hello hello;
  hello.name = entry_.name;
  hello.incarnation = incarnation;
  return hello;
}

bool HostileNode::IsUp(LinkId link) const {
  const auto found = links_.find(link);
  return found != links_.end() && found->second.up;
}

void HostileNode::Say(LinkId link, Channel channel, const Packet& packet, std::uint64_t times) {
  if (!IsUp(link)) return;
  const Packet recoded = Recode(packet);
  for (; times > 0 && IsUp(link); --times) {
    ++acts_;
    ++world_.happened().hostile_said.at(packet.message.index());
    heard_.push_back(packet);
    if (heard_.size() > kHeardMost) heard_.pop_front();
    network_.SendToServer(link, channel, recoded);
  }
}

void HostileNode::OnPacket(LinkId link, const Packet& packet) {
  if (packet.unreadable) return;
  heard_.push_back(packet);
  if (heard_.size() > kHeardMost) heard_.pop_front();
  if (const auto* welcome = std::get_if<Welcome>(&packet.message)) {
    known_.welcome = *welcome;
    known_.fence = packet.fence;
    Say(link, Channel::bulk, {packet.fence, BulkHello{links_.at(link).incarnation}});
  } else if (const auto* task = std::get_if<TaskOrder>(&packet.message)) {
    known_.task = *task;
  } else if (const auto* grant = std::get_if<Grant>(&packet.message)) {
    OnGrant(link, *grant);
  } else if (const auto* refused = std::get_if<Refused>(&packet.message)) {
    const bool over = refused->reason == Reason::superseded;
    if (over) {
      ended_.push_back(links_.at(link).incarnation);
      if (known_.incarnation == ended_.back()) known_.incarnation = NewIncarnation();
    }
    if (over || refused->reason == Reason::no_session || refused->reason == Reason::stale_epoch) {
      Shut(link);
    }
  }
}

// --- Harm by words -------------------------------------------------------------------------------

void HostileNode::Babble(KeyedStream& stream) {
  const Message message = ForgeMessage(stream.Below(kMessageKinds), stream, known_);
  Channel channel = ChannelFor(message);
  if (stream.Below(6) == 0) channel = static_cast<Channel>(stream.Below(2));
  const Fence fence = ForgeFence(stream, known_);
  const LinkId link = AnyLink(stream);  // Arguments of one call may be drawn in any order.
  Say(link, channel, {fence, message, PayloadFor(message, stream)});
}

// Sound in all but the life that it names.
void HostileNode::SayStale(KeyedStream& stream) {
  Knowledge other = known_;
  if (other.task) other.task->id.round -= std::min<Round>(other.task->id.round, stream.Below(3));
  const std::size_t kinds[] = {1, 2, 3, 15, 17};  // lease_renew, offer, leave, request, chunk.
  const Message message = ForgeMessage(kinds[stream.Below(std::size(kinds))], stream, other);
  Fence fence = ForgeFence(stream, known_);
  while (fence == known_.fence) fence.epoch.nonce = stream.Next();
  const LinkId link = AnyLink(stream);
  Say(link, ChannelFor(message), {fence, message, PayloadFor(message, stream)});
}

// Of its own, of the coordinator's, or of other participants': whoever sold it.
void HostileNode::Replay(KeyedStream& stream) {
  const auto& others = network_.overheard();
  if (stream.Below(2) == 0 && !others.empty()) {
    const Packet packet = *others[stream.Below(others.size())];
    return Say(AnyLink(stream), ChannelFor(packet.message), packet);
  }
  if (heard_.empty()) return;
  const Packet packet = heard_[stream.Below(heard_.size())];
  Say(AnyLink(stream), ChannelFor(packet.message), packet);
}

void HostileNode::Usurp(KeyedStream& stream) {
  Hello hello = Greeting(known_.incarnation);
  const Hello* other = nullptr;  // Of somebody else: one half of those known, drawn.
  for (const auto& [who, heard] : network_.overheard_hellos()) {
    if (who != actor_ && (other == nullptr || stream.Below(2) == 0)) other = &heard;
  }
  switch (stream.Below(7)) {
    case 0:  // A second process of its name.
      return Open(NewIncarnation());
    case 1:  // A second link of the same process.
      return Open(known_.incarnation);
    case 2:
      hello.name = known_.names.at(stream.Below(known_.names.size()));
      break;
    case 3:
      if (other != nullptr) hello.incarnation = other->incarnation;
      break;
    case 4:
      if (!ended_.empty()) hello.incarnation = ended_[stream.Below(ended_.size())];
      break;
    case 5:
      hello.job = Sha256Of(Bytes(1 + stream.Below(8)));
      break;
    default: {
      const Incarnation incarnation = other == nullptr ? NewIncarnation() : other->incarnation;
      return Say(AnyLink(stream), Channel::bulk, {known_.fence, BulkHello{incarnation}});
    }
  }
  Say(AnyLink(stream), Channel::control, {Fence{}, hello});
}

void HostileNode::Flood(KeyedStream& stream) {
  const std::size_t kinds[] = {0, 1, 2, 14, 15, 17};  // hello, lease, offer, bulk hello, ...
  const std::size_t kind = kinds[stream.Below(std::size(kinds))];
  Message message = ForgeMessage(kind, stream, known_);
  if (known_.task && stream.Below(2) == 0) {
    message = ModelRequest{known_.task->base_version, 0,
                           static_cast<std::uint32_t>(limits::kTransferChunkBytes)};
  }
  const std::uint64_t count = 16 + stream.Below(kHeardMost * 6);
  const LinkId link = AnyLink(stream);
  Say(link, ChannelFor(message), {known_.fence, message, PayloadFor(message, stream)}, count);
}

}  // namespace muster::simulator
