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
/// Version, request id, domain, address, routing id, mechanism, credentials.
constexpr std::size_t kRequestParts = 7;
constexpr std::size_t kKeyBytes = 32;

struct Answer {
  std::string status;
  std::string_view text;
  std::string user;
};

Answer Refusal(int status) { return {std::to_string(status), "refused", {}}; }

Answer Judge(const std::vector<zmq::message_t>& request, KeyGate& gate) {
  const auto is = [&request](std::size_t part, std::string_view text) {
    return request[part].to_string_view() == text;
  };
  if (!is(0, "1.0") || !is(2, kZapDomain) || !is(5, "CURVE") || request[6].size() != kKeyBytes) {
    return Refusal(kZapUnknownKey);
  }
  PublicKey key;
  std::memcpy(key.bytes.data(), request[6].data(), kKeyBytes);
  const Status allowed = gate.Check(key);
  if (allowed.has_value()) return {"200", "OK", key.Z85()};
  gate.OnRefused(key, allowed.error().reason);
  return Refusal(allowed.error().reason == Reason::revoked ? kZapRevoked : kZapUnknownKey);
}

/// Asks the handler as ZeroMQ would on behalf of a peer without CURVE.
Status SelfTest(zmq::context_t& context) {
  zmq::socket_t asking(context, zmq::socket_type::req);
  asking.set(zmq::sockopt::linger, 0);
  asking.set(zmq::sockopt::sndtimeo, kSelfTestMsMax);
  asking.set(zmq::sockopt::rcvtimeo, kSelfTestMsMax);
  asking.connect(kZapEndpoint);
  const std::string_view question[kRequestParts] = {"1.0", "self test", kZapDomain, "127.0.0.1",
                                                    "",    "NULL",      ""};
  for (std::size_t i = 0; i < kRequestParts; ++i) {
    const auto flags = i + 1 < kRequestParts ? zmq::send_flags::sndmore : zmq::send_flags::none;
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

Result<std::unique_ptr<ZapHandler>> ZapHandler::Start(zmq::context_t& context, KeyGate& gate) {
  try {
    zmq::socket_t socket(context, zmq::socket_type::rep);
    socket.set(zmq::sockopt::linger, 0);
    socket.bind(kZapEndpoint);
    std::unique_ptr<ZapHandler> handler(new ZapHandler(std::move(socket), gate));
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
  if (!ReceiveParts(socket_, kRequestParts, request)) return;
  const bool whole = request.parts.size() == kRequestParts && !request.overflow;
  const Answer answer = whole ? Judge(request.parts, gate_) : Refusal(kZapUnknownKey);
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
