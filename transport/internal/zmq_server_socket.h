// One bound ROUTER: a channel of the coordinator.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "transport/internal/bulk_tickets.h"
#include "transport/internal/sealed_routes.h"
#include "transport/internal/server_monitor.h"
#include "transport/internal/zmq_common.h"
#include "transport/link_table.h"
#include "transport/wake.h"

namespace muster {

/// Fails closed: without an answering ZAP handler in the context nobody can connect.
class ZmqServerSocket final : public ServerSocket {
 public:
  /// `context`, `gate`, `tickets` and `next_link` outlive the socket; `gate` is told of connections
  /// that fail, who may connect is the handler's to ask it. On control it gives out tickets for
  /// bulk, of itself. Errors: as ZmqServer::Bind.
  static Result<std::unique_ptr<ZmqServerSocket>> Bind(zmq::context_t& context, Channel channel,
                                                       const std::string& endpoint,
                                                       const KeyPair& keys, KeyGate& gate,
                                                       BulkTickets& tickets,
                                                       std::atomic<LinkId>& next_link);

  SendResult Send(LinkId link, Frame frame) override;
  void Poll(std::chrono::milliseconds timeout, std::vector<ServerMessage>& messages) override;
  void Wake() override { wake_.Set(); }
  void Drop(LinkId link) override { links_.Forget(link); }
  std::string endpoint() const override { return endpoint_; }
  std::uint64_t dropped_messages() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  ZmqServerSocket(zmq::context_t& context, zmq::socket_t socket, Channel channel, KeyGate& gate,
                  BulkTickets& tickets, std::atomic<LinkId>& next_link);
  /// Takes what has arrived. True if it stopped at a bound, and there may be more.
  bool Drain(std::vector<ServerMessage>& messages, std::size_t messages_max);
  std::uint64_t ConnectionOf(std::string_view route);
  /// False if the message is to be counted as dropped.
  bool Take(Received& received, std::vector<ServerMessage>& messages);
  bool TakeControl(const std::string& route, Received& received,
                   std::vector<ServerMessage>& messages);
  bool GiveTicket(const std::string& route, const PublicKey& identity, ByteSpan request);
  bool TakeBulk(const std::string& route, Received& received, std::vector<ServerMessage>& messages);
  SendResult SendBulk(const std::string& route, const Frame& frame);

  zmq::socket_t socket_;
  const Channel channel_;
  ServerMonitor monitor_;  ///< Ends before the socket does.
  int socket_fd_ = -1;
  std::string endpoint_;
  LinkTable links_;
  KeyGate& gate_;
  BulkTickets& tickets_;                 ///< Control's use.
  SealedRoutes seals_;                   ///< Bulk's.
  std::uint64_t newest_connection_ = 0;  ///< Of those heard; 0: none yet.
  WakeFlag wake_;
  bool was_full_ = false;
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace muster
