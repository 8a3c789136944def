// The transport contract inside one process, for tests: no sockets, no threads of its own, and the
// same order every time. With Poll(0) everything happens in the calling thread; Poll also waits, so
// that runtimes in threads of their own can be joined by it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/ids.h"
#include "transport/transport.h"

namespace muster {

/// The place where ServerSockets and ClientTransports of one process meet. It, its sockets and its
/// clients are thread-safe among each other; they may outlive the hub.
class MemoryHub {
 public:
  /// `gate` is asked at every Open, in the opening thread, and outlives the hub's clients.
  explicit MemoryHub(KeyGate& gate);
  ~MemoryHub();
  MemoryHub(const MemoryHub&) = delete;
  MemoryHub& operator=(const MemoryHub&) = delete;

  /// Binds the channel ("memory://control", "memory://bulk"). When the socket goes, its links go
  /// down, and the channel can be bound again. REQUIRES: the channel is not bound.
  std::unique_ptr<ServerSocket> Bind(Channel channel, const PublicKey& server_key);
  /// A client with these identities.
  std::unique_ptr<ClientTransport> MakeClient(std::vector<PublicKey> identities);
  /// Where a client finds the hub's server.
  ClientTransport::Target TargetOf(const PublicKey& server_key) const;

  /// Breaks a client's link as a network does: what was under way on it is lost both ways, the
  /// client sees LinkDown, the server `gone`. Success if there is no such link.
  void Cut(LinkId client_link);
  void CutAll();

  enum class Direction : std::uint8_t { to_server, to_client };
  /// Asked for each message sent; false loses it. Called with the hub locked: call nothing of it.
  using Filter = std::function<bool(Channel, Direction, const Frame&)>;
  void SetFilter(Filter keep);

 private:
  struct State;
  class Server;
  class Client;
  std::shared_ptr<State> state_;
};

}  // namespace muster
