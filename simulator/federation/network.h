// Links in virtual time with the contract of transport/transport.h: a message arrives whole or not
// at all, in order within a channel of a link (but for duplicates), and no send tells which.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "common/bytes.h"
#include "protocol/messages.h"
#include "simulator/world/world.h"
#include "transport/transport.h"

namespace muster::simulator {

struct Packet {
  Fence fence;
  Message message;
  std::shared_ptr<const Bytes> payload;
  PublicKey identity;  ///< Authenticated: its sender's, if that is a participant.
};

/// What a participant hears of its link.
struct ClientEnd {
  std::function<void()> on_up;
  std::function<void(Reason)> on_down;  ///< As transport's LinkDown.
  std::function<void(const Packet&)> on_packet;
};
/// What the coordinator hears; a coordinator that is down has none.
using ServerEnd = std::function<void(LinkId link, const Packet&)>;
/// Who may connect; a refusal is the coordinator's to count. None: let in.
using Gate = std::function<std::optional<Reason>(const PublicKey&)>;

class Network {
 public:
  explicit Network(World& world) : world_(world) {}

  /// A coordinator comes up, or (without `server`) dies with all its links.
  void Listen(ServerEnd server, Gate gate);
  /// False: the link is known to be gone.
  bool SendToClient(LinkId link, Packet packet);
  /// The server forgets the link; what its peer sends next comes under a new id.
  void Drop(LinkId link);

  LinkId Open(RosterIndex who, const PublicKey& key, ClientEnd client);
  /// What was sent before still travels.
  void Close(LinkId connection);
  void SendToServer(LinkId connection, Channel channel, Packet packet);

 private:
  struct Connection {
    RosterIndex who = 0;
    ClientEnd client;
    bool client_open = true;
    bool cut = false;
    Micros server_knows_at = -1;              ///< That the other end is gone; -1: it is not.
    std::array<LinkId, 2> server_links = {};  ///< One a channel; 0: none yet.
    std::array<Micros, 4> last_arrival = {};  ///< By direction and channel.
  };
  using Deliver = std::function<void(Connection&)>;

  void Cut(Connection& connection);
  void Carry(LinkId id, std::size_t lane, Deliver deliver);
  LinkId ServerLink(LinkId id, Connection& connection, Channel channel);

  World& world_;
  ServerEnd server_;
  Gate gate_;
  std::uint64_t server_life_ = 0;
  LinkId next_id_ = 1;
  std::map<LinkId, Connection> connections_;
  std::map<LinkId, std::pair<LinkId, Channel>> server_links_;
};

}  // namespace muster::simulator
