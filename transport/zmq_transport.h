// The transport over ZeroMQ (libzmq 4.3.4): ROUTER and DEALER over TCP with ZAP (RFC 27); CURVE
// (RFC 26) on control, tickets and AES-256-GCM on bulk. docs/protocol.md, "Connections", says what
// each option is there for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "transport/keys.h"
#include "transport/transport.h"

namespace muster {

/// Both bound channels of a coordinator, and the handler that answers who may connect. The sockets
/// may be used by a thread each; all else is one thread's.
class ZmqServer {
 public:
  struct Endpoints {
    std::string control;  ///< "tcp://127.0.0.1:7700"; port 0 takes a free one.
    std::string bulk;
  };
  /// Starts the handler, sees that it refuses a stranger, then binds. `gate` is asked in the
  /// handler's thread and outlives the server. Errors: config_invalid (an address that this machine
  /// does not have, or a port that this user may not take), transport_failed (the text says which).
  static Result<std::unique_ptr<ZmqServer>> Bind(const Endpoints& endpoints, const KeyPair& keys,
                                                 KeyGate& gate);
  /// Gives what was sent kLingerMs to leave.
  virtual ~ZmqServer() = default;

  virtual ServerSocket& control() = 0;
  virtual ServerSocket& bulk() = 0;
  /// Messages without an authenticated sender, in too many parts, or under a routing id that the
  /// peer chose; on bulk those that do not open and all behind them; requests for a ticket that get
  /// none. Dropped, never handed out. Thread-safe.
  virtual std::uint64_t dropped_messages() const = 0;
};

/// The client end for these identities. A link comes up within kLinkOpenMsMax or goes down. Close
/// gives what was sent kLingerMs to leave. Raises the process's limit of open files as far as
/// allowed (eight a link). Errors: transport_failed.
Result<std::unique_ptr<ClientTransport>> MakeZmqClient(std::vector<KeyPair> identities);

}  // namespace muster
