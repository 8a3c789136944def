// Links in virtual time with the contract of transport/transport.h: a message arrives whole or not
// at all, in order within a channel of a link, and no send tells which.
//
// What goes wrong, each with its cause in the world outside:
// - duplicate: a sender that sends again what it does not know to have arrived. Soon, on the link.
// - echo: the same, up to kEchoMost later. On the same link, or, once the coordinator was started
//   again, on whatever link the participant has then: fences must refuse it. Between two links
//   under one coordinator nothing is echoed, for what is sealed for one connection (CURVE,
//   transport/internal/bulk_seal.h) opens on no other; neither are hello and refused, which carry
//   no fence.
// - delay: TCP sends again, and what follows in the channel waits for it. Two messages of one
//   channel never change places, those of different channels and links do as they like.
// - lose, cut: a queue that is dropped with its connection; both ends notice later, if at all.
// - sever: a half-open connection. One direction of one channel carries nothing until the
//   heartbeat finds out.
// - corrupt: see corruption.h. Weather: see weather.h; what is sent into a partition arrives after
//   it, unless the heartbeat ended the link before. An attempt to connect fails in it.
// - impostor: see impostor.h.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "simulator/federation/impostor.h"
#include "simulator/federation/packet.h"
#include "simulator/federation/weather.h"
#include "transport/transport.h"

namespace muster::simulator {

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
/// Whether the gate judges a connection, or let it in before it learned to refuse its key: on live
/// connections the core alone checks.
enum class Door : std::uint8_t { judged, passed };

class Network {
 public:
  static constexpr Micros kEchoMost = 10'000 * kMillisecond;
  static constexpr Micros kDelayMost = 5'000 * kMillisecond;

  explicit Network(World& world) : world_(world), weather_(world) {}

  /// A coordinator comes up, or (without `server`) dies with all its links.
  void Listen(ServerEnd server, Gate gate);
  /// False: the link is known to be gone, or was given up for its peer reads so slowly that the
  /// queue to it is full (as coordinator/runtime's CoreLoop and BulkThread do).
  bool SendToClient(LinkId link, Packet packet);
  /// The server forgets the link; what its peer sends next comes under a new id.
  void Drop(LinkId link);

  /// Weather and half-open links of `who` end: its newest link is cut, and another one is sound.
  void Clear(Actor who);

  LinkId Open(Actor who, const PublicKey& key, ClientEnd client, Door door = Door::judged);
  /// What was sent before still travels for a moment.
  void Close(LinkId connection);
  /// A client whose queue overflows loses its link.
  void SendToServer(LinkId connection, Channel channel, Packet packet);

  /// From now on what participants say is kept, for hostile peers: the last of it, oldest first.
  /// CURVE hides it from the wire; this stands for participants that pass it on.
  void Overhear() { overhearing_ = true; }
  const std::deque<std::shared_ptr<const Packet>>& overheard() const { return overheard_; }
  /// The newest hello of each.
  const std::map<Actor, Hello>& overheard_hellos() const { return overheard_hellos_; }

 private:
  /// One direction of one channel.
  struct Lane {
    Micros last_arrival = 0;
    std::size_t queued = 0;
    bool severed = false;
  };
  struct Connection {
    LinkId id = 0;
    Actor who = kCoordinator;
    PublicKey key;
    ClientEnd client;
    std::unique_ptr<Impostor> impostor;  ///< If it leads to one.
    bool up = false;
    std::uint64_t number = 0;  ///< Of all, in the order in which their handshakes ended.
    bool client_open = true;
    bool cut = false;
    Micros closed_at = 0;                     ///< By the client.
    Micros server_knows_at = -1;              ///< That the other end is gone; -1: it is not.
    std::array<LinkId, 2> server_links = {};  ///< One a channel; 0: none yet.
    std::array<Lane, 4> lanes = {};           ///< See LaneOf.
  };
  using Carried = std::shared_ptr<const Packet>;
  /// By the true coordinator, the newest.
  struct Told {
    Carried welcome, task;
  };

  static std::size_t LaneOf(Direction direction, Channel channel);
  static Direction DirectionOf(std::size_t lane);
  bool Lives(const Connection& connection) const;
  void Cut(Connection& connection);
  void CutLater(Connection& connection, Micros at);
  void Sever(Connection& connection, std::uint64_t value);
  void Carry(Connection& connection, std::size_t lane, Packet packet);
  Micros ArrivalOf(Connection& connection, std::size_t lane);
  void Echo(Connection& connection, std::size_t lane, const Carried& packet, std::uint64_t value);
  void Remember(const Connection& connection, std::size_t lane, const Carried& packet);
  void Deliver(Connection& connection, std::size_t lane, const Packet& packet);
  LinkId ServerLink(Connection& connection, Channel channel);

  World& world_;
  Weather weather_;
  ServerEnd server_;
  Gate gate_;
  std::uint64_t server_life_ = 0;
  LinkId next_id_ = 1;
  std::uint64_t handshakes_ = 0;
  std::map<LinkId, Connection> connections_;
  std::map<Actor, Connection*> newest_;
  std::map<Actor, Told> told_;
  bool overhearing_ = false;
  std::deque<Carried> overheard_;
  std::map<Actor, Hello> overheard_hellos_;
  std::map<LinkId, std::pair<Connection*, Channel>> server_links_;
  std::map<std::pair<PublicKey, Channel>, std::deque<LinkId>> held_;  ///< Oldest first.
};

}  // namespace muster::simulator
