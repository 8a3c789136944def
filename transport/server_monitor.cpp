#include "transport/internal/server_monitor.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "common/bytes.h"
#include "common/limits.h"
#include "transport/internal/zap_handler.h"
#include "transport/internal/zmq_common.h"

namespace muster {
namespace {

constexpr int kWatchedEvents = ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
/// The event's number and value, then its address.
constexpr std::size_t kEventParts = 2;
constexpr std::size_t kEventBytes = 6;

std::string NewAddress() {
  static std::atomic<std::uint64_t> next{1};
  return "inproc://server-monitor-" + std::to_string(next.fetch_add(1));
}

bool IsShortOfFiles(std::uint32_t error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

ServerMonitor::ServerMonitor(zmq::context_t& context, zmq::socket_t& socket, Channel channel,
                             KeyGate& gate)
    : socket_(socket), reader_(context, zmq::socket_type::pair), channel_(channel), gate_(gate) {
  reader_.set(zmq::sockopt::linger, 0);
  const std::string address = NewAddress();
  if (zmq_socket_monitor(socket_.handle(), address.c_str(), kWatchedEvents) != 0) {
    throw zmq::error_t();
  }
  reader_.connect(address);
  thread_ = std::thread([this] { Run(); });
}

ServerMonitor::~ServerMonitor() {
  // In this order: a monitor whose reader has gone before it stops the I/O thread.
  zmq_socket_monitor(socket_.handle(), nullptr, 0);
  stop_.Set();
  thread_.join();
}

void ServerMonitor::Run() {
  zmq_pollitem_t items[] = {{reader_.handle(), 0, ZMQ_POLLIN, 0},
                            {nullptr, stop_.fd(), ZMQ_POLLIN, 0}};
  int patience = -1;
  while (!stop_.Take()) {
    zmq_poll(items, 2, patience);
    Drain();
    patience = Tell(false);
  }
  Drain();
  Tell(true);
  reader_.close();
}

void ServerMonitor::Drain() {
  Received received;
  // Bounded: a storm of failures must not keep the news of them from being told.
  for (int i = 0; i < limits::kMonitorEventsPerTurn; ++i) {
    if (!ReceiveParts(reader_, kEventParts, received)) return;
    const ByteSpan told(static_cast<const std::byte*>(received.parts[0].data()),
                        received.parts[0].size());
    MUSTER_CHECK(told.size() == kEventBytes, "a monitor tells an event's number and value");
    OnEvent(LoadLittle<std::uint16_t>(told, 0), LoadLittle<std::uint32_t>(told, 2));
  }
}

void ServerMonitor::OnEvent(std::uint16_t event, std::uint32_t value) {
  if ((event & kWatchedEvents) == 0) return;
  // Keys that the handler refused are the gate's already.
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH && value != kZapNoTicket) return;
  const bool accepting = event == ZMQ_EVENT_ACCEPT_FAILED;
  // A peer that hung up before it was accepted costs nobody anything.
  if (accepting && !IsShortOfFiles(value)) return;
  const Reason reason = accepting ? Reason::descriptors_exhausted : Reason::handshake_failed;
  Failures& failures = failures_[reason];
  ++failures.count;
  if (accepting) {
    failures.text =
        "cannot accept a connection: " + std::string(std::strerror(static_cast<int>(value))) +
        "; raise the limit of open files (ulimit -n) and start again";
  } else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
    failures.text = "a bulk connection came without a good ticket";
  } else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
    failures.text = channel_ == Channel::control ? "a peer does not speak CURVE over ZMTP 3"
                                                 : "a peer does not speak PLAIN over ZMTP 3";
  } else {
    failures.text = "a connection ended before its handshake did";
  }
}

int ServerMonitor::Tell(bool all) {
  const Clock::time_point now = Clock::now();
  auto next = Clock::time_point::max();
  for (auto& [reason, failures] : failures_) {
    if (failures.count == 0) continue;
    const auto due = failures.told_at + std::chrono::milliseconds(limits::kFailureReportMs);
    const bool never_told = failures.told_at == Clock::time_point{};
    if (!all && !never_told && now < due) {
      next = std::min(next, due);
      continue;
    }
    gate_.OnConnectionsFailed(reason, std::exchange(failures.count, 0), failures.text);
    failures.told_at = now;
  }
  return next == Clock::time_point::max() ? -1 : static_cast<int>(LeftUntil(next).count());
}

}  // namespace muster
