#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <utility>

#include "common/limits.h"
#include "common/open_files.h"
#include "transport/internal/zmq_common.h"

namespace muster {
namespace {

constexpr int kIoThreads = 2;
constexpr std::size_t kCopyBytesMax = 4096;  // Below it a copy is cheaper than a callback.

/// Keeps a payload alive until ZeroMQ's I/O thread is done with it.
struct Lender {
  Payload payload;
  std::atomic<bool> lent{false};  ///< Orders the making here before the freeing there.
};

void GiveBack(void*, void* hint) {
  const std::unique_ptr<Lender> lender(static_cast<Lender*>(hint));
  MUSTER_CHECK(lender->lent.load(std::memory_order_acquire), "only what was lent comes back");
}

zmq::message_t Lend(Payload payload) {
  const ByteSpan bytes = payload.bytes;
  auto lender = std::make_unique<Lender>();
  lender->payload = std::move(payload);
  lender->lent.store(true, std::memory_order_release);
  // ZeroMQ takes the bytes as mutable and does not write to a message it sends.
  zmq::message_t message(const_cast<std::byte*>(bytes.data()), bytes.size(), GiveBack,
                         lender.get());
  (void)lender.release();  // GiveBack owns it now.
  return message;
}

zmq::message_t MessageOf(Payload payload) {
  if (payload.bytes.size() > kCopyBytesMax) return Lend(std::move(payload));
  return {payload.bytes.data(), payload.bytes.size()};
}

zmq::message_t MessageOf(Bytes head) {
  if (head.size() <= kCopyBytesMax) return {head.data(), head.size()};
  auto owner = std::make_shared<Bytes>(std::move(head));
  const ByteSpan bytes = *owner;
  return MessageOf(Payload{std::move(owner), bytes});
}

/// Sends one part; nothing if it went, else why not.
std::optional<SendResult> SendPart(zmq::socket_t& socket, zmq::message_t& part, bool more) {
  const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
  for (;;) {
    if (zmq_msg_send(part.handle(), socket.handle(), flags) >= 0) return std::nullopt;
    if (errno == EINTR) continue;
    // EHOSTUNREACH: a ROUTER knows no such peer. Whatever else there is, the link is no use.
    return errno == EAGAIN ? SendResult::full : SendResult::gone;
  }
}

/// Whether the peer takes a message now. A ROUTER says so of the route, the first part; a DEALER
/// has one peer and says so of itself.
std::optional<SendResult> SendRoute(zmq::socket_t& socket, const std::string& route) {
  if (route.empty()) {
    if ((socket.get(zmq::sockopt::events) & ZMQ_POLLOUT) != 0) return std::nullopt;
    return SendResult::full;
  }
  zmq::message_t part(route.data(), route.size());
  return SendPart(socket, part, true);
}

SendResult SendParts(zmq::socket_t& socket, zmq::message_t& head, zmq::message_t* payload) {
  if (const auto failed = SendPart(socket, head, payload != nullptr)) return *failed;
  if (payload != nullptr) {
    // ZeroMQ takes a refused part's predecessors back.
    if (const auto failed = SendPart(socket, *payload, false)) return *failed;
  }
  return SendResult::sent;
}

MutableByteSpan BytesOf(zmq::message_t& message) {
  return {static_cast<std::byte*>(message.data()), message.size()};
}

}  // namespace

Result<zmq::context_t> MakeZmqContext() {
  // Every socket is a file to the kernel, and the usual limit of 1024 ends at 128 links.
  RaiseOpenFileLimit();
  try {
    zmq::context_t context(kIoThreads);
    const int sockets = std::min(limits::kSocketsMax, context.get(zmq::ctxopt::socket_limit));
    context.set(zmq::ctxopt::max_sockets, sockets);
    return context;
  } catch (const zmq::error_t& error) {
    return ZmqError("make a ZeroMQ context", error);
  }
}

void SetCommonOptions(zmq::socket_t& socket, Channel channel) {
  socket.set(zmq::sockopt::affinity,
             channel == Channel::control ? std::uint64_t{1} : std::uint64_t{2});
  socket.set(zmq::sockopt::linger, limits::kLingerMs);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::kFrameBytesMax));
  socket.set(zmq::sockopt::sndhwm, limits::kSocketHighWaterMessages);
  socket.set(zmq::sockopt::rcvhwm, limits::kSocketHighWaterMessages);
  socket.set(zmq::sockopt::handshake_ivl, limits::kHandshakeMsMax);
  socket.set(zmq::sockopt::heartbeat_ivl, limits::kHeartbeatIntervalMs);
  socket.set(zmq::sockopt::heartbeat_timeout, limits::kHeartbeatTimeoutMs);
  socket.set(zmq::sockopt::heartbeat_ttl, limits::kHeartbeatTimeoutMs);
}

Error ZmqError(const std::string& what, const zmq::error_t& error) {
  return {Reason::transport_failed, "cannot " + what + ": " + error.what()};
}

SendResult SendFrame(zmq::socket_t& socket, const std::string& route, Frame frame) {
  if (const auto failed = SendRoute(socket, route)) return *failed;
  const bool has_payload = !frame.payload.bytes.empty();
  zmq::message_t head = MessageOf(std::move(frame.head));
  if (!has_payload) return SendParts(socket, head, nullptr);
  zmq::message_t payload = MessageOf(std::move(frame.payload));
  return SendParts(socket, head, &payload);
}

SendResult SendSealed(zmq::socket_t& socket, const std::string& route, const Frame& frame,
                      BulkSealer& sealer) {
  // First, as sealing for a slow peer at each try would cost more than sending.
  if (const auto failed = SendRoute(socket, route)) return *failed;
  const ByteSpan plain = frame.payload.bytes;
  if (frame.payload.shared != nullptr && !plain.empty()) {
    const SharedSeal::Sealed shared = frame.payload.shared->Of(plain);
    zmq::message_t head(frame.head.size() + kSharedHeadExtra);
    sealer.SealShared(frame.head, shared, BytesOf(head));
    zmq::message_t payload = MessageOf(Payload{frame.payload.shared, shared.ciphertext});
    return SendParts(socket, head, &payload);
  }
  zmq::message_t head(frame.head.size() + kSealedHeadExtra);
  zmq::message_t payload(plain.empty() ? 0 : plain.size() + kSealedPayloadExtra);
  sealer.Seal(frame.head, plain, BytesOf(head), BytesOf(payload));
  return SendParts(socket, head, plain.empty() ? nullptr : &payload);
}

SendResult SendSecret(zmq::socket_t& socket, const std::string& route, SecretBytes secret) {
  if (const auto failed = SendRoute(socket, route)) return *failed;
  auto owner = std::make_shared<const SecretBytes>(std::move(secret));
  const ByteSpan bytes = owner->Reveal();
  zmq::message_t message = Lend(Payload{std::move(owner), bytes});
  return SendParts(socket, message, nullptr);
}

bool ReceiveParts(zmq::socket_t& socket, std::size_t parts_max, Received& received) {
  received.parts.clear();
  received.overflow = false;
  for (;;) {
    zmq::message_t part;
    if (zmq_msg_recv(part.handle(), socket.handle(), ZMQ_DONTWAIT) < 0) {
      if (errno == EINTR) continue;
      MUSTER_CHECK(errno == EAGAIN, "a receive fails for want of messages alone");
      MUSTER_CHECK(received.parts.empty(), "parts of a message arrive together");
      return false;
    }
    const bool more = part.more();
    if (received.parts.size() < parts_max) {
      received.parts.push_back(std::move(part));
    } else {
      received.overflow = true;
    }
    if (!more) return true;
  }
}

Frame TakeFrame(std::vector<zmq::message_t>& parts, std::size_t first) {
  Frame frame;
  const auto* head = static_cast<const std::byte*>(parts[first].data());
  frame.head.assign(head, head + parts[first].size());
  if (first + 1 < parts.size()) {
    auto owner = std::make_shared<zmq::message_t>(std::move(parts[first + 1]));
    frame.payload.bytes = {static_cast<const std::byte*>(owner->data()), owner->size()};
    frame.payload.owner = std::move(owner);
  }
  return frame;
}

std::optional<Frame> OpenFrame(std::vector<zmq::message_t>& parts, std::size_t first,
                               BulkOpener& opener) {
  const bool has_payload = first + 1 < parts.size();
  if (has_payload && parts[first + 1].size() == 0) return std::nullopt;  // Nobody sealed it so.
  const auto opened = opener.Open(BytesOf(parts[first]),
                                  has_payload ? BytesOf(parts[first + 1]) : MutableByteSpan{});
  if (!opened) return std::nullopt;
  Frame frame;
  frame.head.assign(opened->head.begin(), opened->head.end());
  if (has_payload) {
    // Small ones lie in the message itself and move with it.
    auto owner = std::make_shared<zmq::message_t>(std::move(parts[first + 1]));
    frame.payload.bytes = {static_cast<const std::byte*>(owner->data()), opened->payload.size()};
    frame.payload.owner = std::move(owner);
  }
  return frame;
}

std::chrono::milliseconds LeftUntil(std::chrono::steady_clock::time_point deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  // Rounded up: a wait of a part of a millisecond would be a busy one.
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds(0));
}

}  // namespace muster
