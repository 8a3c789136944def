#include "transport/internal/client_connection.h"

#include <utility>

#include "common/bytes.h"
#include "common/limits.h"
#include "transport/internal/zap_handler.h"

namespace muster {
namespace {

constexpr int kWatchedEvents = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED |
                               ZMQ_EVENT_CLOSED;
/// Links do not reconnect by themselves. ZeroMQ's own way to say so, -1, also throws away what has
/// arrived and was not read yet when the connection ends: often the reason why it ended. An
/// interval beyond any link's life (it may be doubled and must stay an int) says the same and keeps
/// that. ZMQ_IMMEDIATE throws it away too, and is left off: nothing is sent before a link is up.
constexpr int kNeverMs = 1'000'000'000;
/// The event's number and value, then its address.
constexpr std::size_t kEventParts = 2;
constexpr std::size_t kEventBytes = 6;

/// Head and payload.
constexpr std::size_t kFrameParts = 2;

/// Why a control connection is over. `value` is the ZAP status where the handshake was refused.
Reason ReasonOf(std::uint16_t event, std::uint32_t value) {
  if (event != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return Reason::connection_lost;
  return value == kZapRevoked ? Reason::revoked : Reason::unknown_key;
}

zmq::socket_t MakeDealer(zmq::context_t& context, Channel channel) {
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  SetCommonOptions(dealer, channel);
  dealer.set(zmq::sockopt::reconnect_ivl, kNeverMs);
  dealer.set(zmq::sockopt::connect_timeout, limits::kHandshakeMsMax);
  return dealer;
}

}  // namespace

Result<std::unique_ptr<ClientConnection>> ClientConnection::OpenControl(zmq::context_t& context,
                                                                        const std::string& endpoint,
                                                                        const PublicKey& server_key,
                                                                        const KeyPair& keys,
                                                                        std::uint64_t number) {
  try {
    zmq::socket_t dealer = MakeDealer(context, Channel::control);
    const ByteSpan secret = keys.secret_key.Reveal();
    const auto buffer = [](ByteSpan bytes) {
      return zmq::const_buffer(bytes.data(), bytes.size());
    };
    dealer.set(zmq::sockopt::curve_serverkey, buffer(server_key.bytes));
    dealer.set(zmq::sockopt::curve_publickey, buffer(keys.public_key.bytes));
    dealer.set(zmq::sockopt::curve_secretkey, buffer(secret));
    return Start(context, std::move(dealer), std::nullopt, endpoint, number);
  } catch (const zmq::error_t& error) {
    return ZmqError("connect to " + endpoint, error);
  }
}

Result<std::unique_ptr<ClientConnection>> ClientConnection::OpenBulk(zmq::context_t& context,
                                                                     const std::string& endpoint,
                                                                     BulkTicket ticket,
                                                                     std::uint64_t number) {
  try {
    zmq::socket_t dealer = MakeDealer(context, Channel::bulk);
    dealer.set(zmq::sockopt::plain_username, TicketUser(ticket.number));
    std::string password = TicketPassword(ticket.password);
    dealer.set(zmq::sockopt::plain_password, password);
    WipeBytes(std::as_writable_bytes(std::span(password)));
    Seal seal{BulkSealer(std::move(ticket.up_key)), BulkOpener(std::move(ticket.down_key))};
    return Start(context, std::move(dealer), std::move(seal), endpoint, number);
  } catch (const zmq::error_t& error) {
    return ZmqError("connect to " + endpoint, error);
  }
}

Result<std::unique_ptr<ClientConnection>> ClientConnection::Start(zmq::context_t& context,
                                                                  zmq::socket_t dealer,
                                                                  std::optional<Seal> seal,
                                                                  const std::string& endpoint,
                                                                  std::uint64_t number) {
  try {
    zmq::socket_t monitor(context, zmq::socket_type::pair);
    monitor.set(zmq::sockopt::linger, 0);
    const std::string address = "inproc://monitor-" + std::to_string(number);
    if (zmq_socket_monitor(dealer.handle(), address.c_str(), kWatchedEvents) != 0) {
      throw zmq::error_t();
    }
    std::unique_ptr<ClientConnection> connection(
        new ClientConnection(std::move(dealer), std::move(monitor), std::move(seal)));
    connection->monitor_.connect(address);
    connection->dealer_.connect(endpoint);
    return connection;
  } catch (const zmq::error_t& error) {
    return ZmqError("connect to " + endpoint, error);
  }
}

SendResult ClientConnection::Send(Frame frame) {
  if (!seal_) return SendFrame(dealer_, {}, std::move(frame));
  return SendSealed(dealer_, {}, frame, seal_->sealer);
}

std::optional<Frame> ClientConnection::Receive() {
  while (!broken_ && ReceiveParts(dealer_, kFrameParts, received_)) {
    if (!seal_) {
      // The server is authenticated, and its messages have one or two parts; others are not ours.
      if (received_.overflow) continue;
      return TakeFrame(received_.parts, 0);
    }
    auto frame = received_.overflow ? std::nullopt : OpenFrame(received_.parts, 0, seal_->opener);
    // An empty frame says that the server cannot open ours.
    if (frame && !frame->head.empty()) return frame;
    broken_ = true;
  }
  return std::nullopt;
}

std::optional<Result<BulkTicket>> ClientConnection::ReceiveTicket() {
  if (!ReceiveParts(dealer_, kFrameParts, received_)) return std::nullopt;
  zmq::message_t& part = received_.parts[0];
  const MutableByteSpan frame(static_cast<std::byte*>(part.data()), part.size());
  Result<BulkTicket> ticket = ParseTicket(frame);
  WipeBytes(frame);
  // A server that answers with anything else speaks another protocol.
  if (!ticket) ticket.error().reason = Reason::protocol_unsupported;
  return ticket;
}

void ClientConnection::Abandon() { dealer_.set(zmq::sockopt::linger, 0); }

ClientConnection::~ClientConnection() {
  // In this order: a monitor whose reader has gone before it stops the I/O thread.
  zmq_socket_monitor(dealer_.handle(), nullptr, 0);
  monitor_.close();
  dealer_.close();
}

void ClientConnection::DrainMonitor() {
  Received received;
  while (ReceiveParts(monitor_, kEventParts, received)) {
    const ByteSpan told(static_cast<const std::byte*>(received.parts[0].data()),
                        received.parts[0].size());
    MUSTER_CHECK(told.size() == kEventBytes, "a monitor tells an event's number and value");
    OnEvent(LoadLittle<std::uint16_t>(told, 0), LoadLittle<std::uint32_t>(told, 2));
  }
}

void ClientConnection::OnEvent(std::uint16_t event, std::uint32_t value) {
  if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
    ready_ = true;
  } else if (event != ZMQ_EVENT_MONITOR_STOPPED && !lost_) {
    // The first event says why; those that follow tell of the clearing up.
    // Of bulk nothing more is believed: whoever is on the way could have said it.
    lost_ = seal_ ? Reason::connection_lost : ReasonOf(event, value);
  }
}

}  // namespace muster
