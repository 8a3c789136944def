// Answers ZeroMQ's question who may connect (RFC 27/ZAP): on control from a KeyGate, on bulk from
// the tickets given out.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <zmq.hpp>

#include "common/error.h"
#include "transport/internal/bulk_tickets.h"
#include "transport/transport.h"
#include "transport/wake.h"

namespace muster {

/// The domain that our server sockets name. Without one, ZeroMQ would not ask at all.
inline constexpr const char* kZapDomain = "muster";
/// How a refused peer learns why. ZAP has only four statuses and nothing else reaches the peer: 400
/// is an unknown key, 300 no good ticket for bulk, and 500, which our handler needs for nothing
/// else, a revoked key.
inline constexpr int kZapUnknownKey = 400;
inline constexpr int kZapNoTicket = 300;
inline constexpr int kZapRevoked = 500;

/// A thread that holds the context's one ZAP endpoint. A key that passes becomes the User-Id (its
/// Z85) of every message of its control connection, a ticket's user that of its bulk connection.
class ZapHandler {
 public:
  /// Bound and answering on return: a stranger was turned away in a self test. `gate` is asked in
  /// the handler's thread; it, `tickets` and the context outlive the handler. Errors:
  /// transport_failed.
  static Result<std::unique_ptr<ZapHandler>> Start(zmq::context_t& context, KeyGate& gate,
                                                   BulkTickets& tickets);
  ~ZapHandler();
  ZapHandler(const ZapHandler&) = delete;
  ZapHandler& operator=(const ZapHandler&) = delete;

 private:
  ZapHandler(zmq::socket_t socket, KeyGate& gate, BulkTickets& tickets)
      : socket_(std::move(socket)), gate_(gate), tickets_(tickets) {}
  void Run();
  void AnswerOne();

  zmq::socket_t socket_;  ///< The thread's, once it runs.
  KeyGate& gate_;
  BulkTickets& tickets_;
  WakeFlag stop_;
  std::thread thread_;
};

}  // namespace muster
