// One DEALER of a client link, and the monitor that tells how it fares.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "common/error.h"
#include "transport/internal/bulk_seal.h"
#include "transport/internal/bulk_ticket.h"
#include "transport/internal/zmq_common.h"

namespace muster {

/// One attempt at one connection: ZeroMQ's own reconnection is off, since a half-open predecessor
/// can block its routing id. Closing keeps the order that ZeroMQ needs.
class ClientConnection {
 public:
  // Both start to connect. `number` is unique in the context. Errors: transport_failed.
  static Result<std::unique_ptr<ClientConnection>> OpenControl(zmq::context_t& context,
                                                               const std::string& endpoint,
                                                               const PublicKey& server_key,
                                                               const KeyPair& keys,
                                                               std::uint64_t number);
  static Result<std::unique_ptr<ClientConnection>> OpenBulk(zmq::context_t& context,
                                                            const std::string& endpoint,
                                                            BulkTicket ticket,
                                                            std::uint64_t number);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  /// Sealed on bulk.
  SendResult Send(Frame frame);
  /// What arrived next; nothing if nothing did, and once it is broken.
  std::optional<Frame> Receive();
  /// Control's first answer; nothing if it is not there yet. Errors: protocol_unsupported (the
  /// server gives no tickets that this build understands).
  std::optional<Result<BulkTicket>> ReceiveTicket();
  /// A frame came that does not open, or the server could not open ours: close the connection.
  bool broken() const { return broken_; }
  /// Has ZeroMQ do what it has to do for the socket.
  void Serve() { static_cast<void>(dealer_.get(zmq::sockopt::events)); }
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
  struct Seal {
    BulkSealer sealer;
    BulkOpener opener;
  };
  ClientConnection(zmq::socket_t dealer, zmq::socket_t monitor, std::optional<Seal> seal)
      : dealer_(std::move(dealer)), monitor_(std::move(monitor)), seal_(std::move(seal)) {}
  static Result<std::unique_ptr<ClientConnection>> Start(zmq::context_t& context,
                                                         zmq::socket_t dealer,
                                                         std::optional<Seal> seal,
                                                         const std::string& endpoint,
                                                         std::uint64_t number);
  void OnEvent(std::uint16_t event, std::uint32_t value);

  zmq::socket_t dealer_;
  zmq::socket_t monitor_;
  std::optional<Seal> seal_;  ///< Bulk's.
  Received received_;
  bool ready_ = false;
  bool broken_ = false;
  std::optional<Reason> lost_;
};

}  // namespace muster
