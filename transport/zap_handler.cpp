#include "transport/internal/zap_handler.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "transport/internal/zmq_common.h"

namespace muster {
namespace {

constexpr const char* kZapEndpoint = "inproc://zeromq.zap.01";
constexpr int kSelfTestMsMax = 2'000;
/// Version, request id, domain, address, routing id, mechanism; then the credentials: a key for
/// CURVE, a user and a password for PLAIN.
constexpr std::size_t kMechanismAt = 5;
constexpr std::size_t kCredentialsAt = 6;
constexpr std::size_t kCurveParts = kCredentialsAt + 1;
constexpr std::size_t kPlainParts = kCredentialsAt + 2;
constexpr std::size_t kKeyBytes = 32;

struct Answer {
  std::string status;
  std::string_view text;
  std::string user;
};

Answer Refusal(int status) { return {std::to_string(status), "refused", {}}; }

bool Asks(const std::vector<zmq::message_t>& request, std::string_view mechanism,
          std::size_t parts) {
  return request.size() == parts && request[0].to_string_view() == "1.0" &&
         request[2].to_string_view() == kZapDomain &&
         request[kMechanismAt].to_string_view() == mechanism;
}

Answer Refused(const PublicKey& key, Reason reason, KeyGate& gate) {
  gate.OnRefused(key, reason);
  return Refusal(reason == Reason::revoked ? kZapRevoked : kZapUnknownKey);
}

/// A bulk connection: it is let in by a ticket alone, of somebody who may still connect. The bulk
/// socket's monitor counts those who come without.
Answer JudgeTicket(const std::vector<zmq::message_t>& request, KeyGate& gate,
                   BulkTickets& tickets) {
  const std::string_view user = request[kCredentialsAt].to_string_view();
  const auto identity = tickets.Admit(user, request[kCredentialsAt + 1].to_string_view());
  if (!identity) return Refusal(kZapNoTicket);
  const Status allowed = gate.Check(*identity);
  if (!allowed) return Refused(*identity, allowed.error().reason, gate);
  return {"200", "OK", std::string(user)};
}

Answer Judge(const std::vector<zmq::message_t>& request, KeyGate& gate, BulkTickets& tickets) {
  if (Asks(request, "PLAIN", kPlainParts)) return JudgeTicket(request, gate, tickets);
  if (!Asks(request, "CURVE", kCurveParts) || request[kCredentialsAt].size() != kKeyBytes) {
    return Refusal(kZapUnknownKey);
  }
  PublicKey key;
  std::memcpy(key.bytes.data(), request[kCredentialsAt].data(), kKeyBytes);
  const Status allowed = gate.Check(key);
  if (!allowed) return Refused(key, allowed.error().reason, gate);
  return {"200", "OK", key.Z85()};
}

/// Asks the handler as ZeroMQ would on behalf of a peer without CURVE.
Status SelfTest(zmq::context_t& context) {
  zmq::socket_t asking(context, zmq::socket_type::req);
  asking.set(zmq::sockopt::linger, 0);
  asking.set(zmq::sockopt::sndtimeo, kSelfTestMsMax);
  asking.set(zmq::sockopt::rcvtimeo, kSelfTestMsMax);
  asking.connect(kZapEndpoint);
  const std::string_view question[kCurveParts] = {"1.0", "self test", kZapDomain, "127.0.0.1",
                                                  "",    "NULL",      ""};
  for (std::size_t i = 0; i < kCurveParts; ++i) {
    const auto flags = i + 1 < kCurveParts ? zmq::send_flags::sndmore : zmq::send_flags::none;
    if (!asking.send(zmq::message_t(question[i].data(), question[i].size()), flags)) {
      return Error{Reason::transport_failed, "the ZAP handler takes no question"};
    }
  }
  std::vector<std::string> answer;
  do {
    zmq::message_t part;
    if (!asking.recv(part)) {
      return Error{Reason::transport_failed, "the ZAP handler gives no answer"};
    }
    answer.push_back(part.to_string());
  } while (asking.get(zmq::sockopt::rcvmore));
  if (answer.size() != 6 || answer[1] != "self test" ||
      answer[2] != std::to_string(kZapUnknownKey)) {
    return Error{Reason::transport_failed, "the ZAP handler lets a stranger in: not serving"};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ZapHandler>> ZapHandler::Start(zmq::context_t& context, KeyGate& gate,
                                                      BulkTickets& tickets) {
  try {
    zmq::socket_t socket(context, zmq::socket_type::rep);
    socket.set(zmq::sockopt::linger, 0);
    socket.bind(kZapEndpoint);
    std::unique_ptr<ZapHandler> handler(new ZapHandler(std::move(socket), gate, tickets));
    handler->thread_ = std::thread([raw = handler.get()] { raw->Run(); });
    MUSTER_TRY(SelfTest(context));
    return handler;
  } catch (const zmq::error_t& error) {
    return ZmqError("start the ZAP handler", error);
  }
}

ZapHandler::~ZapHandler() {
  stop_.Set();
  if (thread_.joinable()) thread_.join();
}

void ZapHandler::Run() {
  zmq_pollitem_t items[] = {{socket_.handle(), 0, ZMQ_POLLIN, 0},
                            {nullptr, stop_.fd(), ZMQ_POLLIN, 0}};
  while (!stop_.Take()) {
    if (zmq_poll(items, 2, -1) > 0 && (items[0].revents & ZMQ_POLLIN) != 0) AnswerOne();
  }
  socket_.close();
}

void ZapHandler::AnswerOne() {
  Received request;
  if (!ReceiveParts(socket_, kPlainParts, request)) return;
  const Answer answer =
      request.overflow ? Refusal(kZapUnknownKey) : Judge(request.parts, gate_, tickets_);
  const std::string id = request.parts.size() > 1 ? request.parts[1].to_string() : std::string();
  const std::string_view reply[] = {"1.0", id, answer.status, answer.text, answer.user, ""};
  constexpr std::size_t kReplyParts = std::size(reply);
  for (std::size_t i = 0; i < kReplyParts; ++i) {
    zmq::message_t part(reply[i].data(), reply[i].size());
    const int more = i + 1 < kReplyParts ? ZMQ_SNDMORE : 0;
    // Fails only when the asking connection has gone; nobody waits for the answer then.
    if (zmq_msg_send(part.handle(), socket_.handle(), ZMQ_DONTWAIT | more) < 0) return;
  }
}

}  // namespace muster
