// One DEALER of a client link, and the monitor that tells how it fares.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "common/error.h"
#include "transport/internal/zmq_common.h"

namespace muster {

/// One attempt at one connection: ZeroMQ's own reconnection is off, since a half-open predecessor
/// can block its routing id. Closing keeps the order that ZeroMQ needs.
class ClientConnection {
 public:
  /// Starts to connect. `number` is unique in the context. Errors: transport_failed.
  static Result<std::unique_ptr<ClientConnection>> Open(zmq::context_t& context, Channel channel,
                                                        const std::string& endpoint,
                                                        const PublicKey& server_key,
                                                        const KeyPair& keys, std::uint64_t number);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  zmq::socket_t& dealer() { return dealer_; }
  int dealer_fd() { return dealer_.get(zmq::sockopt::fd); }
  int monitor_fd() { return monitor_.get(zmq::sockopt::fd); }

  /// Reads what the monitor has to tell. It must be read whenever it has something: a full one
  /// stops the I/O thread.
  void DrainMonitor();
  /// Nothing that is still unsent needs to leave when it closes.
  void Abandon();
  bool ready() const { return ready_; }
  /// Why the connection is over, once it is.
  std::optional<Reason> lost() const { return lost_; }

 private:
  ClientConnection(zmq::socket_t dealer, zmq::socket_t monitor)
      : dealer_(std::move(dealer)), monitor_(std::move(monitor)) {}
  void OnEvent(std::uint16_t event, std::uint32_t value);

  zmq::socket_t dealer_;
  zmq::socket_t monitor_;
  bool ready_ = false;
  std::optional<Reason> lost_;
};

}  // namespace muster
