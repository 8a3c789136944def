#include "transport/memory_transport.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "common/limits.h"
#include "transport/link_table.h"

namespace muster {
namespace {

constexpr std::array kChannels = {Channel::control, Channel::bulk};
constexpr std::size_t kQueueMax = limits::kSocketHighWaterMessages;

std::size_t IndexOf(Channel channel) { return static_cast<std::size_t>(channel); }

std::string EndpointOf(Channel channel) {
  return channel == Channel::control ? "memory://control" : "memory://bulk";
}

/// What two clients may not share: the route of one connection in a LinkTable.
std::string RouteOf(LinkId client_link) { return std::to_string(client_link); }

struct ClientEnd {
  std::deque<ClientEvent> events;
  bool woken = false;
  bool was_full = false;
};

struct ClientLink {
  ClientEnd* end = nullptr;
  PublicKey identity;
  bool up = false;
  std::array<std::size_t, 2> queued_to_client{};
  std::array<std::size_t, 2> queued_to_server{};
};

struct Arrival {
  LinkId client_link = 0;
  PublicKey identity;
  Frame frame;
};

struct ServerEnd {
  explicit ServerEnd(std::atomic<LinkId>& next) : table(next) {}
  PublicKey key;
  LinkTable table;
  std::deque<Arrival> arrivals;
  bool woken = false;
  bool was_full = false;
};

/// How long a Poll may wait: not long after a `full`, so that its caller can try again.
template <typename End>
std::chrono::milliseconds PatienceOf(End& end, std::chrono::milliseconds timeout) {
  const std::chrono::milliseconds retry(limits::kFullRetryMs);
  return std::exchange(end.was_full, false) ? std::min(timeout, retry) : timeout;
}

}  // namespace

struct MemoryHub::State {
  explicit State(KeyGate& the_gate) : gate(the_gate) {}

  /// The client's link ends: LinkDown for its owner, nothing more from it for the server.
  void Break(LinkId client_link, Reason reason) {
    const auto found = links.find(client_link);
    if (found == links.end() || !found->second.up) return;
    found->second.up = false;
    ForgetEvents(found->second, client_link);
    found->second.end->events.push_back({client_link, LinkDown{reason}});
    for (auto& server : servers) {
      if (!server) continue;
      std::erase_if(server->arrivals,
                    [&](const Arrival& a) { return a.client_link == client_link; });
    }
    changed.notify_all();
  }

  void ForgetEvents(ClientLink& link, LinkId client_link) {
    std::erase_if(link.end->events, [&](const ClientEvent& e) { return e.link == client_link; });
  }

  bool Keeps(Channel channel, Direction direction, const Frame& frame) const {
    return !filter || filter(channel, direction, frame);
  }

  KeyGate& gate;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::atomic<LinkId> next_link{1};
  std::map<LinkId, ClientLink> links;
  std::array<std::unique_ptr<ServerEnd>, 2> servers;
  Filter filter;
};

class MemoryHub::Server final : public ServerSocket {
 public:
  Server(std::shared_ptr<State> state, Channel channel)
      : state_(std::move(state)), channel_(channel) {}

  ~Server() override {
    const std::lock_guard lock(state_->mutex);
    state_->servers[IndexOf(channel_)].reset();
    for (const auto& [link, entry] : state_->links) state_->Break(link, Reason::connection_lost);
  }

  SendResult Send(LinkId link, Frame frame) override {
    const std::lock_guard lock(state_->mutex);
    const std::string* route = end().table.RouteOf(link);
    if (route == nullptr) return SendResult::gone;
    const LinkId client_link = std::stoull(*route);
    const auto found = state_->links.find(client_link);
    if (found == state_->links.end() || !found->second.up) {
      end().table.Forget(link);
      return SendResult::gone;
    }
    std::size_t& queued = found->second.queued_to_client[IndexOf(channel_)];
    if (queued >= kQueueMax) {
      end().was_full = true;
      return SendResult::full;
    }
    if (!state_->Keeps(channel_, Direction::to_client, frame)) return SendResult::sent;
    ++queued;
    found->second.end->events.push_back({client_link, ClientMessage{channel_, std::move(frame)}});
    state_->changed.notify_all();
    return SendResult::sent;
  }

  void Poll(std::chrono::milliseconds timeout, std::vector<ServerMessage>& messages) override {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, PatienceOf(end(), timeout),
                             [this] { return end().woken || !end().arrivals.empty(); });
    end().woken = false;
    for (std::size_t i = 0; i < limits::kPollMessagesMax && !end().arrivals.empty(); ++i) {
      Arrival arrival = std::move(end().arrivals.front());
      end().arrivals.pop_front();
      const auto sender = state_->links.find(arrival.client_link);
      if (sender != state_->links.end()) --sender->second.queued_to_server[IndexOf(channel_)];
      const LinkId link = end().table.LinkOf(RouteOf(arrival.client_link), arrival.identity);
      messages.push_back({link, arrival.identity, std::move(arrival.frame), arrival.client_link});
    }
  }

  void Wake() override {
    const std::lock_guard lock(state_->mutex);
    end().woken = true;
    state_->changed.notify_all();
  }

  void Drop(LinkId link) override {
    const std::lock_guard lock(state_->mutex);
    end().table.Forget(link);
  }

  std::string endpoint() const override { return EndpointOf(channel_); }

 private:
  ServerEnd& end() { return *state_->servers[IndexOf(channel_)]; }

  std::shared_ptr<State> state_;
  Channel channel_;
};

class MemoryHub::Client final : public ClientTransport {
 public:
  Client(std::shared_ptr<State> state, std::vector<PublicKey> identities)
      : state_(std::move(state)), identities_(std::move(identities)) {}

  ~Client() override {
    const std::lock_guard lock(state_->mutex);
    std::erase_if(state_->links, [this](const auto& entry) { return entry.second.end == &end_; });
  }

  Result<LinkId> Open(std::size_t identity, const Target& target) override {
    MUSTER_CHECK(identity < identities_.size(), "an identity that the client was made with");
    for (const Channel channel : kChannels) {
      const std::string& endpoint =
          channel == Channel::control ? target.control_endpoint : target.bulk_endpoint;
      if (endpoint != EndpointOf(channel)) {
        return Error{Reason::transport_failed,
                     "cannot connect to " + endpoint + ": it is not " + EndpointOf(channel)};
      }
    }
    const PublicKey& key = identities_[identity];
    const Reason refusal = Handshake(key, target.server_key);
    const std::lock_guard lock(state_->mutex);
    const LinkId link = state_->next_link.fetch_add(1);
    const bool up = refusal == Reason::finished;
    state_->links.emplace(link, ClientLink{&end_, key, up, {}, {}});
    if (up) {
      end_.events.push_back({link, LinkUp{}});
    } else {
      end_.events.push_back({link, LinkDown{refusal}});
    }
    return link;
  }

  void Close(LinkId link) override {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->links.find(link);
    if (found == state_->links.end()) return;
    state_->ForgetEvents(found->second, link);
    state_->links.erase(found);
  }

  SendResult Send(LinkId link, Channel channel, Frame frame) override {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->links.find(link);
    if (found == state_->links.end() || !found->second.up) return SendResult::gone;
    std::size_t& queued = found->second.queued_to_server[IndexOf(channel)];
    if (queued >= kQueueMax) {
      end_.was_full = true;
      return SendResult::full;
    }
    if (!state_->Keeps(channel, Direction::to_server, frame)) return SendResult::sent;
    ++queued;
    state_->servers[IndexOf(channel)]->arrivals.push_back(
        {link, found->second.identity, std::move(frame)});
    state_->changed.notify_all();
    return SendResult::sent;
  }

  void Poll(std::chrono::milliseconds timeout, std::vector<ClientEvent>& events) override {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, PatienceOf(end_, timeout),
                             [this] { return end_.woken || !end_.events.empty(); });
    end_.woken = false;
    for (std::size_t i = 0; i < limits::kPollMessagesMax && !end_.events.empty(); ++i) {
      ClientEvent event = std::move(end_.events.front());
      end_.events.pop_front();
      if (const auto* message = std::get_if<ClientMessage>(&event.what)) {
        --state_->links.at(event.link).queued_to_client[IndexOf(message->channel)];
      }
      events.push_back(std::move(event));
    }
  }

  void Wake() override {
    const std::lock_guard lock(state_->mutex);
    end_.woken = true;
    state_->changed.notify_all();
  }

 private:
  /// `finished` if both ends agree, else why not. As with CURVE, a client that expects another
  /// server key learns no more than that the connection ended.
  Reason Handshake(const PublicKey& key, const PublicKey& server_key) {
    {
      const std::lock_guard lock(state_->mutex);
      for (const auto& server : state_->servers) {
        if (!server || server->key != server_key) return Reason::connection_lost;
      }
    }
    const Status allowed = state_->gate.Check(key);
    if (allowed.has_value()) return Reason::finished;
    state_->gate.OnRefused(key, allowed.error().reason);
    return allowed.error().reason;
  }

  std::shared_ptr<State> state_;
  std::vector<PublicKey> identities_;
  ClientEnd end_;
};

MemoryHub::MemoryHub(KeyGate& gate) : state_(std::make_shared<State>(gate)) {}
MemoryHub::~MemoryHub() = default;

std::unique_ptr<ServerSocket> MemoryHub::Bind(Channel channel, const PublicKey& server_key) {
  const std::lock_guard lock(state_->mutex);
  auto& slot = state_->servers[IndexOf(channel)];
  MUSTER_CHECK(!slot, "a channel is bound once at a time");
  slot = std::make_unique<ServerEnd>(state_->next_link);
  slot->key = server_key;
  return std::make_unique<Server>(state_, channel);
}

std::unique_ptr<ClientTransport> MemoryHub::MakeClient(std::vector<PublicKey> identities) {
  return std::make_unique<Client>(state_, std::move(identities));
}

ClientTransport::Target MemoryHub::TargetOf(const PublicKey& server_key) const {
  return {EndpointOf(Channel::control), EndpointOf(Channel::bulk), server_key};
}

void MemoryHub::Cut(LinkId client_link) {
  const std::lock_guard lock(state_->mutex);
  state_->Break(client_link, Reason::connection_lost);
}

void MemoryHub::CutAll() {
  const std::lock_guard lock(state_->mutex);
  for (const auto& [link, entry] : state_->links) state_->Break(link, Reason::connection_lost);
}

void MemoryHub::SetFilter(Filter keep) {
  const std::lock_guard lock(state_->mutex);
  state_->filter = std::move(keep);
}

}  // namespace muster
