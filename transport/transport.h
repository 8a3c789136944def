// How messages travel, behind one contract: over ZeroMQ (zmq_transport.h) or in memory
// (memory_transport.h). The contract is what a lossy network gives: a message arrives whole or not
// at all, in order within a link, and no send tells whether it arrived.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/ids.h"
#include "transport/shared_seal.h"

namespace muster {

enum class Channel : std::uint8_t { control = 0, bulk = 1 };

/// Raw bytes that travel beside a message.
struct Payload {
  std::shared_ptr<const void> owner;
  ByteSpan bytes;
  /// Of bytes that go to many peers: the same one for each of them, so that a transport seals them
  /// once. Null: they go to one.
  std::shared_ptr<SharedSeal> shared;
};

/// What is sent: header and encoded message, and the raw bytes of a bulk chunk (may be empty).
struct Frame {
  Bytes head;
  Payload payload;
};

enum class SendResult : std::uint8_t {
  sent,
  full,  ///< The peer is slow: nothing was sent, try again. The next Poll returns early for it.
  gone,  ///< No such link any more.
};

// --- Server side: one bound socket, one channel --------------------------------------------------

struct ServerMessage {
  LinkId link = 0;
  PublicKey identity;  ///< Authenticated, of this very message (ZAP User-Id).
  Frame frame;
  /// Grows from one connection of this socket to the next, in the order in which their handshakes
  /// ended. A message can come late; whoever sent it was there before all who connected later.
  std::uint64_t connection = 0;
};

/// The bound end of a channel. One thread calls Send, Poll and Drop; Wake is safe from any thread.
class ServerSocket {
 public:
  virtual ~ServerSocket() = default;
  /// Never blocks.
  virtual SendResult Send(LinkId link, Frame frame) = 0;
  /// Appends what has arrived, at most a bounded number of messages; waits up to `timeout` for the
  /// first. Returns early after Wake.
  virtual void Poll(std::chrono::milliseconds timeout, std::vector<ServerMessage>& messages) = 0;
  virtual void Wake() = 0;
  /// Forgets the link; what it sends next comes under a new LinkId.
  virtual void Drop(LinkId link) = 0;
  /// Where clients connect to ("tcp://127.0.0.1:41023"): the port that was really bound.
  virtual std::string endpoint() const = 0;
};

/// Who may connect. Thread-safe. A refused handshake never reaches a ServerSocket.
class KeyGate {
 public:
  virtual ~KeyGate() = default;
  /// Reason unknown_key or revoked if not; the transport counts it.
  virtual Status Check(const PublicKey& key) = 0;
  /// Called for every refused handshake, from the transport's thread.
  virtual void OnRefused(const PublicKey& key, Reason reason) = 0;
  /// Called for connections that ended before a key was judged, from the transport's threads:
  /// descriptors_exhausted or handshake_failed, how many since the last call, and what was wrong
  /// with the newest.
  virtual void OnConnectionsFailed(Reason reason, std::uint64_t count, const std::string& text) = 0;
};

// --- Client side: many links, each a control and a bulk connection of one identity
// ----------------

struct ClientMessage {
  Channel channel = Channel::control;
  Frame frame;
};
/// Both connections passed the handshake.
struct LinkUp {};
/// The link is dead: close it and open a new one. unknown_key or revoked: the server's gate refused
/// the key; protocol_unsupported: the server lets bulk in otherwise than this build comes;
/// transport_failed: bulk's endpoint is bad; timeout: it did not come up; connection_lost: all
/// else.
struct LinkDown {
  Reason reason = Reason::connection_lost;
};
struct ClientEvent {
  LinkId link = 0;
  std::variant<LinkUp, LinkDown, ClientMessage> what;
};

/// All client links of a process. One thread calls all but Wake. Links never reconnect by
/// themselves.
class ClientTransport {
 public:
  virtual ~ClientTransport() = default;
  struct Target {
    std::string control_endpoint;
    std::string bulk_endpoint;
    PublicKey server_key;
  };
  /// Starts to connect as identity `identity` (an index into the key pairs this transport was made
  /// with). Errors: transport_failed (bad endpoint, socket limit).
  virtual Result<LinkId> Open(std::size_t identity, const Target& target) = 0;
  virtual void Close(LinkId link) = 0;
  /// Never blocks. `full` before the link is up.
  virtual SendResult Send(LinkId link, Channel channel, Frame frame) = 0;
  virtual void Poll(std::chrono::milliseconds timeout, std::vector<ClientEvent>& events) = 0;
  virtual void Wake() = 0;
};

}  // namespace muster
