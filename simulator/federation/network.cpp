#include "simulator/federation/network.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "common/random.h"
#include "coordinator/runtime/bulk_thread.h"
#include "participant/runtime/outbox.h"
#include "simulator/federation/corruption.h"
#include "simulator/world/content.h"

namespace muster::simulator {
namespace {

constexpr Micros kLatencyMin = 50;
constexpr Micros kLatencyMax = 20 * kMillisecond;
constexpr Micros kDuplicateDelayMax = 60 * kMillisecond;
constexpr Micros kEchoLeast = 100 * kMillisecond;
/// Some broken links are noticed at once, some only by a lease that runs out.
constexpr Micros kNoticeMax = 3'000 * kMillisecond;
/// Then the heartbeat ends a link of which nothing comes.
constexpr Micros kHeartbeat = limits::kHeartbeatTimeoutMs * kMillisecond;
/// An attempt to connect that stays unanswered so long fails, after the handshake's time.
constexpr Micros kConnectPatience = 3'000 * kMillisecond;
constexpr Micros kHandshake = limits::kHandshakeMsMax * kMillisecond;
/// How long what a closed link has sent still travels; shorter than a process is down
/// (participant_node.cpp): which of two said hello last is not in doubt.
constexpr Micros kAfterlife = 80 * kMillisecond;

constexpr std::size_t kOverheardMost = 64;

constexpr std::size_t kToServerMax =
    limits::kSocketHighWaterMessages + participant::Outbox::kFramesMax;

/// What waits for a client at most: the socket's queue, and for bulk the thread's before it.
std::size_t ToClientMax(Channel channel) {
  return limits::kSocketHighWaterMessages +
         (channel == Channel::bulk ? coordinator::BulkThread::kWaitingFramesMax : 0);
}

Channel ChannelOf(std::size_t lane) { return static_cast<Channel>(lane % 2); }

/// As the runtimes do, which know where a message came from.
bool IsOnTheWrongChannel(Direction direction, Channel channel, const Message& message) {
  if (direction == Direction::to_server) {
    return channel == Channel::control && std::holds_alternative<UpdateChunk>(message);
  }
  return std::holds_alternative<ModelChunk>(message) != (channel == Channel::bulk) &&
         !std::holds_alternative<Refused>(message);
}

bool HasNoFence(const Message& message) {
  return std::holds_alternative<Hello>(message) || std::holds_alternative<Refused>(message);
}

}  // namespace

std::size_t Network::LaneOf(Direction direction, Channel channel) {
  return 2 * static_cast<std::size_t>(direction) + static_cast<std::size_t>(channel);
}
Direction Network::DirectionOf(std::size_t lane) { return static_cast<Direction>(lane / 2); }

// --- Ends ----------------------------------------------------------------------------------------

void Network::Listen(ServerEnd server, Gate gate) {
  server_ = std::move(server);
  gate_ = std::move(gate);
  ++server_life_;
  server_links_.clear();
  held_.clear();
  for (auto& [id, connection] : connections_) Cut(connection);
}

void Network::Cut(Connection& connection) {
  if (connection.cut) return;
  connection.cut = true;
  const Actor who = connection.who;
  connection.server_knows_at = world_.now() + world_.Between(who, 0, kNoticeMax);
  if (!connection.client_open) return;
  world_.At(world_.now() + world_.Between(who, 0, kNoticeMax), who, [&connection] {
    if (connection.client_open) connection.client.on_down(Reason::connection_lost);
  });
}

void Network::Clear(Actor who) {
  weather_.Clear(who);
  const auto newest = newest_.find(who);
  if (newest != newest_.end()) Cut(*newest->second);
}

void Network::CutLater(Connection& connection, Micros at) {
  world_.At(at, connection.who, [this, &connection] { Cut(connection); });
}

LinkId Network::Open(Actor who, const PublicKey& key, ClientEnd client, Door door) {
  const LinkId id = next_id_++;
  Connection& connection = connections_[id];
  connection.id = id;
  connection.who = who;
  connection.key = key;
  connection.client = std::move(client);
  newest_[who] = &connection;
  weather_.Know(who);
  const Told& told = told_[who];
  if (told.welcome != nullptr) {  // Before, there is nothing that an impostor could know.
    if (const auto value = world_.Ask(FaultKind::impostor, who)) {
      ++world_.happened().impostors;
      connection.impostor = std::make_unique<Impostor>(*value, told.welcome, told.task);
    }
  }
  const Micros set_out = std::max(weather_.OpenAt(who, Direction::to_client),
                                  weather_.OpenAt(who, Direction::to_server));
  const Micros latency = world_.Between(who, kLatencyMin, kLatencyMax) * weather_.Factor(who);
  const bool unanswered = set_out - world_.now() > kConnectPatience || latency > kHandshake;
  const Micros at = unanswered ? world_.now() + kHandshake : set_out + latency;
  world_.At(at, who, [this, &connection, unanswered, door] {
    if (!connection.client_open || connection.cut) return;
    std::optional<Reason> refused;
    if (unanswered) {
      refused = Reason::timeout;
    } else if (connection.impostor != nullptr) {
      refused = std::nullopt;
    } else if (!server_) {
      refused = Reason::connection_lost;
    } else if (door == Door::judged) {
      refused = gate_(connection.key);
    }
    connection.up = !refused;
    connection.number = ++handshakes_;
    if (!refused) return connection.client.on_up();
    connection.cut = true;
    connection.client.on_down(*refused);
  });
  return id;
}

void Network::Close(LinkId id) {
  Connection& connection = connections_.at(id);
  connection.client_open = false;
  connection.closed_at = world_.now();
  if (connection.server_knows_at < 0) {
    connection.server_knows_at = world_.now() + world_.Between(connection.who, 0, kNoticeMax);
  }
}

bool Network::Lives(const Connection& connection) const {
  return connection.up && connection.client_open && !connection.cut && server_ != nullptr;
}

// --- On the way ----------------------------------------------------------------------------------

void Network::Sever(Connection& connection, std::uint64_t value) {
  ++world_.happened().severed;
  connection.lanes.at(value % connection.lanes.size()).severed = true;
  CutLater(connection, world_.now() + static_cast<Micros>((value >> 8U) % kHeartbeat));
}

// In order within the lane; what is clogged or held up holds up what follows.
Micros Network::ArrivalOf(Connection& connection, std::size_t lane) {
  const Actor who = connection.who;
  const Micros latency = world_.Between(who, kLatencyMin, kLatencyMax) * weather_.Factor(who);
  Micros arrival = weather_.OpenAt(who, DirectionOf(lane)) + latency;
  if (const auto value = world_.Ask(FaultKind::delay, who)) {
    ++world_.happened().delays;
    arrival += static_cast<Micros>(*value % kDelayMost);
  }
  Micros& last = connection.lanes.at(lane).last_arrival;
  last = std::max(last + 1, arrival);
  return last;
}

// One message on its way, with all that may happen to it.
void Network::Carry(Connection& connection, std::size_t lane, Packet packet) {
  const Actor who = connection.who;
  Happened& happened = world_.happened();
  ++happened.messages;
  Content(world_.trace()).Add(packet.fence, packet.message);
  if (world_.Propose(FaultKind::cut, who) && !connection.cut) {
    world_.TookEffect(FaultKind::cut, who);
    ++happened.cuts;
    Cut(connection);
  }
  if (connection.cut) return;
  if (const auto value = world_.Ask(FaultKind::sever, who)) Sever(connection, *value);
  const bool severed = connection.lanes.at(lane).severed;
  if (world_.Propose(FaultKind::lose, who)) {
    if (!severed) world_.TookEffect(FaultKind::lose, who, MessageName(packet.message));
    ++happened.losses;
    return;
  }
  const auto corrupt = world_.Propose(FaultKind::corrupt, who);
  if (corrupt && !packet.unreadable) {
    if (!severed) world_.TookEffect(FaultKind::corrupt, who);
    ++happened.corruptions;
    packet = Corrupt(packet, DirectionOf(lane) == Direction::to_client, *corrupt);
    happened.garbled += packet.garbled ? 1 : 0;
    if (packet.garbled && std::holds_alternative<Hello>(packet.message)) {
      happened.garbled_hellos.insert(who);
    }
  }
  if (severed) return;
  const Micros arrival = ArrivalOf(connection, lane);
  if (arrival - world_.now() > kHeartbeat) {
    return CutLater(connection, world_.now() + kHeartbeat);
  }
  // Neither it nor `arrive` is const: a closure that holds a const copy is copied where it could be
  // moved, and each copy of the pointer costs two atomic operations.
  Carried carried = std::make_shared<const Packet>(std::move(packet));
  Remember(connection, lane, carried);
  auto arrive = [this, &connection, lane, life = server_life_, carried] {
    const bool late = !connection.client_open && world_.now() > connection.closed_at + kAfterlife;
    if (!connection.cut && !late && life == server_life_) Deliver(connection, lane, *carried);
  };
  ++connection.lanes.at(lane).queued;
  world_.At(arrival, who, [&connection, lane, arrive] {
    --connection.lanes.at(lane).queued;
    arrive();
  });
  if (world_.Happens(FaultKind::duplicate, who)) {
    ++happened.duplicates;
    world_.At(arrival + world_.Between(who, 1, kDuplicateDelayMax), who, arrive);
  }
  if (HasNoFence(carried->message)) return;
  if (const auto value = world_.Ask(FaultKind::echo, who)) Echo(connection, lane, carried, *value);
}

void Network::Echo(Connection& connection, std::size_t lane, const Carried& packet,
                   std::uint64_t value) {
  ++world_.happened().echoes;
  const Micros after = kEchoLeast + static_cast<Micros>(value % (kEchoMost - kEchoLeast));
  world_.At(world_.now() + after, connection.who,
            [this, &connection, lane, packet, life = server_life_] {
              if (life == server_life_) {
                if (Lives(connection)) Deliver(connection, lane, *packet);
                return;
              }
              Connection& newest = *newest_.at(connection.who);
              if (!Lives(newest)) return;
              ++world_.happened().echoes_in_later_lives;
              // Whose it is says the connection that it comes on.
              Packet again = *packet;
              again.identity = newest.key;
              Deliver(newest, lane, again);
            });
}

void Network::Remember(const Connection& connection, std::size_t lane, const Carried& packet) {
  if (packet->unreadable || packet->garbled || connection.impostor != nullptr) return;
  if (DirectionOf(lane) == Direction::to_client) {
    Told& told = told_[connection.who];
    if (std::holds_alternative<Welcome>(packet->message)) told.welcome = packet;
    if (std::holds_alternative<TaskOrder>(packet->message)) told.task = packet;
  } else if (overhearing_) {
    overheard_.push_back(packet);
    if (overheard_.size() > kOverheardMost) overheard_.pop_front();
    const auto* hello = std::get_if<Hello>(&packet->message);
    if (hello != nullptr) overheard_hellos_[connection.who] = *hello;
  }
}

void Network::Deliver(Connection& connection, std::size_t lane, const Packet& packet) {
  const Direction direction = DirectionOf(lane);
  const Channel channel = ChannelOf(lane);
  if (!packet.unreadable && IsOnTheWrongChannel(direction, channel, packet.message)) {
    Packet misplaced = packet;
    misplaced.unreadable = Reason::unexpected_message;
    return Deliver(connection, lane, misplaced);
  }
  if (direction == Direction::to_server && connection.impostor != nullptr) {
    for (auto& [where, answer] : connection.impostor->Answer(packet)) {
      Carry(connection, LaneOf(Direction::to_client, where), std::move(answer));
    }
  } else if (direction == Direction::to_server) {
    if (server_) server_(ServerLink(connection, channel), packet);
  } else if (connection.client_open) {
    connection.client.on_packet(packet);
  }
}

// --- Sending -------------------------------------------------------------------------------------

bool Network::SendToClient(LinkId link, Packet packet) {
  const auto found = server_links_.find(link);
  if (found == server_links_.end()) return false;
  const auto [connection, channel] = found->second;
  if (connection->server_knows_at >= 0 && world_.now() >= connection->server_knows_at) return false;
  const std::size_t lane = LaneOf(Direction::to_client, channel);
  if (connection->lanes.at(lane).queued >= ToClientMax(channel)) {
    ++world_.happened().overflows;
    Drop(link);
    return false;
  }
  Carry(*connection, lane, std::move(packet));
  return true;
}

void Network::SendToServer(LinkId id, Channel channel, Packet packet) {
  Connection& connection = connections_.at(id);
  if (const auto* chunk = std::get_if<UpdateChunk>(&packet.message)) {
    for (RosterIndex stalled : world_.faults().stalled) {
      if (connection.who == ActorOf(stalled)) return;
    }
    Happened& happened = world_.happened();
    happened.update_bytes_sent += chunk->bytes;
    const std::uint64_t cut_at = world_.faults().cut_first_upload_at;
    if (cut_at > 0 && chunk->offset + chunk->bytes > cut_at && happened.cuts == 0) {
      ++happened.cuts;
      Cut(connection);
    }
  }
  const std::size_t lane = LaneOf(Direction::to_server, channel);
  if (connection.lanes.at(lane).queued >= kToServerMax) {
    ++world_.happened().overflows;
    return Cut(connection);
  }
  packet.identity = connection.key;
  packet.connection = connection.number;
  Carry(connection, lane, std::move(packet));
}

LinkId Network::ServerLink(Connection& connection, Channel channel) {
  LinkId& link = connection.server_links.at(static_cast<std::size_t>(channel));
  if (server_links_.contains(link)) return link;
  link = next_id_++;
  server_links_[link] = {&connection, channel};
  std::deque<LinkId>& held = held_[{connection.key, channel}];
  held.push_back(link);
  const LinkId made = link;
  if (held.size() > limits::kLinksPerIdentityMax) Drop(held.front());
  return made;
}

void Network::Drop(LinkId link) {
  const auto found = server_links_.find(link);
  if (found == server_links_.end()) return;
  const auto [connection, channel] = found->second;
  connection->server_links.at(static_cast<std::size_t>(channel)) = 0;
  std::erase(held_[{connection->key, channel}], link);
  server_links_.erase(found);
}

}  // namespace muster::simulator
