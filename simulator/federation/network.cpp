#include "simulator/federation/network.h"

#include <algorithm>

namespace muster::simulator {
namespace {

constexpr Micros kLatencyMin = 50;
constexpr Micros kLatencyMax = 20 * kMillisecond;
constexpr Micros kDuplicateDelayMax = 60 * kMillisecond;
/// Some broken links are noticed at once, some only by a lease that runs out.
constexpr Micros kNoticeMax = 3'000 * kMillisecond;

}  // namespace

void Network::Listen(ServerEnd server, Gate gate) {
  server_ = std::move(server);
  gate_ = std::move(gate);
  ++server_life_;
  server_links_.clear();
  for (auto& [id, connection] : connections_) Cut(connection);
}

void Network::Cut(Connection& connection) {
  if (connection.cut) return;
  connection.cut = true;
  const Actor who = ActorOf(connection.who);
  connection.server_knows_at = world_.now() + world_.Between(who, 0, kNoticeMax);
  if (!connection.client_open) return;
  world_.At(world_.now() + world_.Between(who, 0, kNoticeMax), who, [&connection] {
    if (connection.client_open) connection.client.on_down(Reason::connection_lost);
  });
}

LinkId Network::Open(RosterIndex who, const PublicKey& key, ClientEnd client) {
  const LinkId id = next_id_++;
  Connection& connection = connections_[id];
  connection.who = who;
  connection.client = std::move(client);
  const Actor actor = ActorOf(who);
  const Micros up_at = world_.now() + world_.Between(actor, kLatencyMin, kLatencyMax);
  world_.At(up_at, actor, [this, &connection, key] {
    if (!connection.client_open || connection.cut) return;
    const std::optional<Reason> refused =
        server_ ? gate_(key) : std::optional(Reason::connection_lost);
    if (!refused) return connection.client.on_up();
    connection.cut = true;
    connection.client.on_down(*refused);
  });
  return id;
}

void Network::Close(LinkId id) {
  Connection& connection = connections_.at(id);
  connection.client_open = false;
  if (connection.server_knows_at < 0) {
    connection.server_knows_at =
        world_.now() + world_.Between(ActorOf(connection.who), 0, kNoticeMax);
  }
}

// One message on its way, with all that may happen to it. Lanes keep order; a duplicate does not.
void Network::Carry(LinkId id, std::size_t lane, Deliver deliver) {
  Connection& connection = connections_.at(id);
  const Actor who = ActorOf(connection.who);
  Happened& happened = world_.happened();
  ++happened.messages;
  if (world_.Happens(FaultKind::cut, who)) {
    ++happened.cuts;
    Cut(connection);
  }
  if (connection.cut) return;
  if (world_.Happens(FaultKind::lose, who)) {
    ++happened.losses;
    return;
  }
  const auto arrive = [this, &connection, life = server_life_, deliver = std::move(deliver)] {
    if (!connection.cut && life == server_life_) deliver(connection);
  };
  Micros& last = connection.last_arrival.at(lane);
  last = std::max(last + 1, world_.now() + world_.Between(who, kLatencyMin, kLatencyMax));
  world_.At(last, who, arrive);
  if (world_.Happens(FaultKind::duplicate, who)) {
    ++happened.duplicates;
    world_.At(last + world_.Between(who, 1, kDuplicateDelayMax), who, arrive);
  }
}

bool Network::SendToClient(LinkId link, Packet packet) {
  const auto found = server_links_.find(link);
  if (found == server_links_.end()) return false;
  const auto [id, channel] = found->second;
  const Connection& connection = connections_.at(id);
  if (connection.server_knows_at >= 0 && world_.now() >= connection.server_knows_at) return false;
  Carry(id, static_cast<std::size_t>(channel), [packet = std::move(packet)](Connection& to) {
    if (to.client_open) to.client.on_packet(packet);
  });
  return true;
}

void Network::SendToServer(LinkId id, Channel channel, Packet packet) {
  if (const auto* chunk = std::get_if<UpdateChunk>(&packet.message)) {
    Connection& connection = connections_.at(id);
    if (world_.faults().stalled.contains(connection.who)) return;
    Happened& happened = world_.happened();
    happened.update_bytes_sent += chunk->bytes;
    const std::uint64_t cut_at = world_.faults().cut_first_upload_at;
    if (cut_at > 0 && chunk->offset + chunk->bytes > cut_at && happened.cuts == 0) {
      ++happened.cuts;
      Cut(connection);
    }
  }
  Carry(id, 2 + static_cast<std::size_t>(channel),
        [this, id, channel, packet = std::move(packet)](Connection& from) {
          if (server_) server_(ServerLink(id, from, channel), packet);
        });
}

LinkId Network::ServerLink(LinkId id, Connection& connection, Channel channel) {
  LinkId& link = connection.server_links.at(static_cast<std::size_t>(channel));
  if (link == 0) {
    link = next_id_++;
    server_links_[link] = {id, channel};
  }
  return link;
}

void Network::Drop(LinkId link) {
  const auto found = server_links_.find(link);
  if (found == server_links_.end()) return;
  const auto [id, channel] = found->second;
  connections_.at(id).server_links.at(static_cast<std::size_t>(channel)) = 0;
  server_links_.erase(found);
}

}  // namespace muster::simulator
