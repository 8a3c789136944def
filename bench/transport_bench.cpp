// What a control message waits for beside bulk transfers: the round trip on the control connection,
// quiet and while 4 clients send 256 KiB chunks as fast as they go, and what those chunks make.
// Server and clients share the machine. Run: transport_bench [seconds a line, default 3]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "common/error.h"
#include "common/limits.h"
#include "transport/zmq_transport.h"

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kTurn{20};
constexpr std::size_t kClients = 4;
/// Under way at a time, as the protocol's credit bounds it.
constexpr std::uint64_t kWindowBytes = limits::kCreditWindowBytes;

class OpenGate final : public KeyGate {
 public:
  Status Check(const PublicKey&) override { return {}; }
  void OnRefused(const PublicKey&, Reason) override {}
  void OnConnectionsFailed(Reason, std::uint64_t, const std::string&) override {}
};

KeyPair NewKeys() {
  auto keys = GenerateKeyPair();
  MUSTER_CHECK(keys.has_value(), "keys");
  return std::move(*keys);
}

/// Answers every message with itself, less its payload.
void Echo(ServerSocket& socket, const std::atomic<bool>& stop, std::atomic<std::uint64_t>& bytes) {
  std::vector<ServerMessage> messages;
  while (!stop) {
    messages.clear();
    socket.Poll(kTurn, messages);
    for (ServerMessage& message : messages) {
      bytes += message.frame.payload.bytes.size();
      socket.Send(message.link, Frame{std::move(message.frame.head), {}});
    }
  }
}

/// One participant: a control message at a time, and chunks within the window if `bulk`.
std::vector<double> Talk(const ClientTransport::Target& target, bool bulk,
                         std::chrono::seconds time) {
  std::vector<KeyPair> identities;
  identities.push_back(NewKeys());
  auto client = std::move(*MakeZmqClient(std::move(identities)));
  const LinkId link = client->Open(0, target).value();
  auto chunk = std::make_shared<const Bytes>(limits::kTransferChunkBytes);
  std::vector<double> round_trips_ms;
  std::uint64_t under_way = 0;
  Clock::time_point asked{};
  const auto end = Clock::now() + time;
  std::vector<ClientEvent> events;
  bool up = false;
  while (Clock::now() < end) {
    events.clear();
    client->Poll(kTurn, events);
    for (const ClientEvent& event : events) {
      MUSTER_CHECK(!std::holds_alternative<LinkDown>(event.what), "the link holds");
      const auto* message = std::get_if<ClientMessage>(&event.what);
      up = up || message == nullptr;
      const bool control = message != nullptr && message->channel == Channel::control;
      if (message != nullptr && !control) under_way -= chunk->size();
      if (control) {
        round_trips_ms.push_back(
            std::chrono::duration<double, std::milli>(Clock::now() - asked).count());
      }
      if (control || message == nullptr) {
        asked = Clock::now();
        client->Send(link, Channel::control, Frame{Bytes(100), {}});
      }
    }
    while (up && bulk && under_way < kWindowBytes &&
           client->Send(link, Channel::bulk, Frame{Bytes(100), {chunk, *chunk}}) ==
               SendResult::sent) {
      under_way += chunk->size();
    }
  }
  return round_trips_ms;
}

void Measure(const char* name, bool bulk, std::chrono::seconds time) {
  OpenGate gate;
  const KeyPair keys = NewKeys();
  auto server = std::move(*ZmqServer::Bind({"tcp://127.0.0.1:0", "tcp://127.0.0.1:0"}, keys, gate));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> bytes{0};
  std::thread control([&] { Echo(server->control(), stop, bytes); });
  std::thread bulk_thread([&] { Echo(server->bulk(), stop, bytes); });
  const ClientTransport::Target target{server->control().endpoint(), server->bulk().endpoint(),
                                       keys.public_key};
  std::vector<std::vector<double>> measured(kClients);
  std::vector<std::thread> clients;
  for (auto& round_trips : measured) {
    clients.emplace_back([&] { round_trips = Talk(target, bulk, time); });
  }
  for (std::thread& client : clients) client.join();
  stop = true;
  control.join();
  bulk_thread.join();
  std::vector<double> all;
  for (const auto& part : measured) all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end());
  MUSTER_CHECK(!all.empty(), "somebody was answered");
  std::printf(
      "%-12s control round trip: median %.2f ms, 99%% %.2f ms, %zu of them; bulk %.2f GB/s\n", name,
      all[all.size() / 2], all[all.size() * 99 / 100], all.size(),
      static_cast<double>(bytes) / 1e9 / static_cast<double>(time.count()));
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) {
  const std::chrono::seconds time(argc > 1 ? std::max(std::atoi(argv[1]), 1) : 3);
  muster::Measure("quiet", false, time);
  muster::Measure("beside bulk", true, time);
  return 0;
}
