#include "transport/internal/zmq_server_socket.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "common/limits.h"
#include "transport/internal/zap_handler.h"

namespace muster {
namespace {

/// ZMQ_ZAP_ENFORCE_DOMAIN: behind the draft macro in zmq.h, and honoured by the library.
constexpr int kZapEnforceDomain = 93;
/// The routing id, the head and perhaps a payload.
constexpr std::size_t kPartsMax = 3;
/// What ROUTER calls a peer that named itself nothing: a zero byte and a counter.
constexpr std::size_t kGivenRouteBytes = 5;

/// What the handshake's ZAP answer said of the sender; empty if nothing.
std::string_view UserOf(zmq::message_t& part) {
  const char* user = zmq_msg_gets(part.handle(), "User-Id");
  return user == nullptr ? std::string_view() : std::string_view(user);
}

/// True if no later try can bind there either, while a port in use may become free.
bool IsAddressFault(int error) {
  return error == EADDRNOTAVAIL || error == ENODEV || error == EINVAL || error == EACCES;
}

void SetServerOptions(zmq::socket_t& socket, Channel channel, const KeyPair& keys) {
  // Without a handler a CURVE server lets any key in. A domain and this option close that door; the
  // option with an empty domain would open it even where a handler refuses.
  socket.set(zmq::sockopt::zap_domain, kZapDomain);
  const int enforce = 1;
  if (zmq_setsockopt(socket.handle(), kZapEnforceDomain, &enforce, sizeof(enforce)) != 0) {
    throw zmq::error_t();
  }
  if (channel == Channel::control) {
    socket.set(zmq::sockopt::curve_server, 1);
    const ByteSpan secret = keys.secret_key.Reveal();
    socket.set(zmq::sockopt::curve_secretkey, zmq::const_buffer(secret.data(), secret.size()));
  } else {
    socket.set(zmq::sockopt::plain_server, 1);
  }
  socket.set(zmq::sockopt::router_mandatory, 1);
  // With handover another valid key could take a routing id over.
  socket.set(zmq::sockopt::router_handover, 0);
}

}  // namespace

Result<std::unique_ptr<ZmqServerSocket>> ZmqServerSocket::Bind(
    zmq::context_t& context, Channel channel, const std::string& endpoint, const KeyPair& keys,
    KeyGate& gate, BulkTickets& tickets, std::atomic<LinkId>& next_link) {
  try {
    zmq::socket_t socket(context, zmq::socket_type::router);
    SetCommonOptions(socket, channel);
    SetServerOptions(socket, channel, keys);
    socket.bind(endpoint);
    return std::unique_ptr<ZmqServerSocket>(
        new ZmqServerSocket(context, std::move(socket), channel, gate, tickets, next_link));
  } catch (const zmq::error_t& error) {
    Error failed = ZmqError("bind " + endpoint, error);
    if (IsAddressFault(error.num())) failed.reason = Reason::config_invalid;
    return failed;
  }
}

ZmqServerSocket::ZmqServerSocket(zmq::context_t& context, zmq::socket_t socket, Channel channel,
                                 KeyGate& gate, BulkTickets& tickets,
                                 std::atomic<LinkId>& next_link)
    : socket_(std::move(socket)),
      channel_(channel),
      monitor_(context, socket_, channel, gate),
      socket_fd_(socket_.get(zmq::sockopt::fd)),
      endpoint_(socket_.get(zmq::sockopt::last_endpoint)),
      links_(next_link),
      gate_(gate),
      tickets_(tickets),
      seals_(tickets, [this](const std::string& route, SealedRoutes::Seal& seal) {
        SendSealed(socket_, route, {}, seal.sealer);  // "Come anew": see TakeBulk.
      }) {}

SendResult ZmqServerSocket::Send(LinkId link, Frame frame) {
  const std::string* route = links_.RouteOf(link);
  if (route == nullptr) return SendResult::gone;
  const SendResult result = channel_ == Channel::bulk
                                ? SendBulk(*route, frame)
                                : SendFrame(socket_, *route, std::move(frame));
  if (result == SendResult::gone) links_.Forget(link);
  if (result == SendResult::full) was_full_ = true;
  return result;
}

SendResult ZmqServerSocket::SendBulk(const std::string& route, const Frame& frame) {
  SealedRoutes::Seal* seal = seals_.Find(route);
  if (seal == nullptr || seal->broken) return SendResult::gone;
  const SendResult result = SendSealed(socket_, route, frame, seal->sealer);
  if (result == SendResult::gone) seals_.Forget(route);
  return result;
}

void ZmqServerSocket::Poll(std::chrono::milliseconds timeout,
                           std::vector<ServerMessage>& messages) {
  if (std::exchange(was_full_, false)) {
    timeout = std::min(timeout, std::chrono::milliseconds(limits::kFullRetryMs));
  }
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const std::size_t before = messages.size();
  for (;;) {
    // The descriptor tells only of news since the socket was last used: drain, then wait.
    const bool more = Drain(messages, before + limits::kPollMessagesMax);
    if (wake_.Take() || messages.size() > before) return;
    const auto left = LeftUntil(deadline);
    if (left.count() == 0) return;
    if (more) continue;
    pollfd waiting[] = {{socket_fd_, POLLIN, 0}, {wake_.fd(), POLLIN, 0}};
    const int ready = poll(waiting, 2, static_cast<int>(left.count()));
    MUSTER_CHECK(ready >= 0 || errno == EINTR, "two open descriptors can be waited for");
  }
}

bool ZmqServerSocket::Drain(std::vector<ServerMessage>& messages, std::size_t messages_max) {
  Received received;
  // Those that are not handed out count as well: a flood of them must not keep Poll from its end.
  for (std::size_t taken = 0; taken < limits::kPollMessagesMax; ++taken) {
    if (messages.size() >= messages_max) return true;
    if (!ReceiveParts(socket_, kPartsMax, received)) return false;
    if (!Take(received, messages)) dropped_.fetch_add(1, std::memory_order_relaxed);
  }
  return true;
}

bool ZmqServerSocket::Take(Received& received, std::vector<ServerMessage>& messages) {
  std::vector<zmq::message_t>& parts = received.parts;
  if (parts.size() < 2) return false;
  const std::string_view route = parts[0].to_string_view();
  if (route.size() != kGivenRouteBytes || route.front() != '\0') return false;
  return channel_ == Channel::control ? TakeControl(std::string(route), received, messages)
                                      : TakeBulk(std::string(route), received, messages);
}

bool ZmqServerSocket::TakeControl(const std::string& route, Received& received,
                                  std::vector<ServerMessage>& messages) {
  const auto identity = PublicKey::FromZ85(UserOf(received.parts[1]));
  if (received.overflow || !identity) return false;
  Frame frame = TakeFrame(received.parts, 1);
  if (IsTicketFrame(frame.head)) {
    return received.parts.size() == 2 && GiveTicket(route, *identity, frame.head);
  }
  messages.push_back(
      {links_.LinkOf(route, *identity), *identity, std::move(frame), ConnectionOf(route)});
  return true;
}

/// One for a connection, as its first frame. False if there is none for it: it has a deadline.
bool ZmqServerSocket::GiveTicket(const std::string& route, const PublicKey& identity,
                                 ByteSpan request) {
  if (links_.Knows(route) || !gate_.Check(identity)) return false;
  links_.LinkOf(route, identity);
  const Status asked = ParseTicketRequest(request);
  if (asked) return SendSecret(socket_, route, tickets_.Issue(identity)) == SendResult::sent;
  if (asked.error().reason != Reason::protocol_unsupported) return false;
  return SendFrame(socket_, route, {EncodeTicketRefusal(), {}}) == SendResult::sent;
}

bool ZmqServerSocket::TakeBulk(const std::string& route, Received& received,
                               std::vector<ServerMessage>& messages) {
  SealedRoutes::Seal* seal = seals_.FindOrClaim(route, UserOf(received.parts[1]));
  if (seal == nullptr) return false;
  const bool readable = !seal->broken && !received.overflow;
  auto frame = readable ? OpenFrame(received.parts, 1, seal->opener) : std::nullopt;
  if (!frame) {
    // Nothing that comes behind it can be believed. An empty frame asks the peer to come anew; it
    // may not get through, so whatever else comes is answered by one as well.
    seal->broken = true;
    SendSealed(socket_, route, {}, seal->sealer);
    return false;
  }
  const PublicKey identity = seal->identity;
  messages.push_back(
      {links_.LinkOf(route, identity), identity, std::move(*frame), ConnectionOf(route)});
  return true;
}

// The library numbers connections as their handshakes end: a zero, then four bytes, most
// significant first, from a drawn number on, which wrap (ROUTER's routing ids, zmq_socket(3)).
std::uint64_t ZmqServerSocket::ConnectionOf(std::string_view route) {
  std::uint32_t number = 0;
  for (const char byte : route.substr(1)) number = number << 8 | static_cast<unsigned char>(byte);
  if (newest_connection_ == 0) newest_connection_ = std::uint64_t{1} << 32 | number;
  const auto ahead =
      static_cast<std::int32_t>(number - static_cast<std::uint32_t>(newest_connection_));
  const std::uint64_t connection =
      newest_connection_ + static_cast<std::uint64_t>(std::int64_t{ahead});
  newest_connection_ = std::max(newest_connection_, connection);
  return connection;
}

}  // namespace muster
