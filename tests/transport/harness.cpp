#include "tests/transport/harness.h"

#include "transport/memory_transport.h"

namespace muster {
namespace {

constexpr std::chrono::milliseconds kTurn{5};

class MemoryHarness final : public Harness {
 public:
  MemoryHarness() : keys_(NewKeys()), hub_(gate) {}
  void StartServer() override {
    control_ = hub_.Bind(Channel::control, keys_.public_key);
    bulk_ = hub_.Bind(Channel::bulk, keys_.public_key);
  }
  void StopServer() override {
    control_.reset();
    bulk_.reset();
  }
  ServerSocket& server(Channel channel) override {
    return channel == Channel::control ? *control_ : *bulk_;
  }
  ClientTransport::Target target() override { return hub_.TargetOf(keys_.public_key); }
  std::unique_ptr<ClientTransport> MakeClient(std::vector<KeyPair> identities) override {
    std::vector<PublicKey> keys;
    for (const KeyPair& pair : identities) keys.push_back(pair.public_key);
    return hub_.MakeClient(std::move(keys));
  }

 private:
  KeyPair keys_;
  MemoryHub hub_;
  std::unique_ptr<ServerSocket> control_;
  std::unique_ptr<ServerSocket> bulk_;
};

class ZmqHarness final : public Harness {
 public:
  ZmqHarness() : keys_(NewKeys()) {}
  void StartServer() override {
    auto server = ZmqServer::Bind(endpoints_, keys_, gate);
    ASSERT_TRUE(server.has_value()) << server.error().Text();
    server_ = std::move(*server);
    endpoints_ = {server_->control().endpoint(), server_->bulk().endpoint()};
  }
  void StopServer() override { server_.reset(); }
  void PollServer() override {
    if (server_ == nullptr) return;
    server_->control().Poll(std::chrono::milliseconds(0), polled[Channel::control]);
  }
  ServerSocket& server(Channel channel) override {
    return channel == Channel::control ? server_->control() : server_->bulk();
  }
  ClientTransport::Target target() override {
    return {endpoints_.control, endpoints_.bulk, keys_.public_key};
  }
  std::unique_ptr<ClientTransport> MakeClient(std::vector<KeyPair> identities) override {
    auto client = MakeZmqClient(std::move(identities));
    EXPECT_TRUE(client.has_value()) << client.error().Text();
    return std::move(*client);
  }
  ZmqServer& zmq_server() { return *server_; }

 private:
  KeyPair keys_;
  ZmqServer::Endpoints endpoints_{"tcp://127.0.0.1:0", "tcp://127.0.0.1:0"};
  std::unique_ptr<ZmqServer> server_;
};

}  // namespace

bool TestGate::IsAllowed(const PublicKey& key) { return Check(key).has_value(); }

std::vector<std::pair<PublicKey, Reason>> TestGate::refused() {
  const std::lock_guard lock(mutex_);
  return refused_;
}

Status TestGate::Check(const PublicKey& key) {
  const std::lock_guard lock(mutex_);
  const auto known = known_.find(key);
  if (known == known_.end()) return Error{Reason::unknown_key, "not enrolled"};
  if (known->second) return Error{*known->second, "turned away"};
  return {};
}

void TestGate::OnRefused(const PublicKey& key, Reason reason) {
  const std::lock_guard lock(mutex_);
  refused_.emplace_back(key, reason);
}

void TestGate::OnConnectionsFailed(Reason reason, std::uint64_t count, const std::string&) {
  const std::lock_guard lock(mutex_);
  failed_[reason] += count;
}

std::uint64_t TestGate::failed(Reason reason) {
  const std::lock_guard lock(mutex_);
  return failed_[reason];
}

void TestGate::Set(const PublicKey& key, std::optional<Reason> refusal) {
  const std::lock_guard lock(mutex_);
  known_[key] = refusal;
}

std::unique_ptr<Harness> MakeMemoryHarness() { return std::make_unique<MemoryHarness>(); }
std::unique_ptr<Harness> MakeZmqHarness() { return std::make_unique<ZmqHarness>(); }
ZmqServer& ZmqServerOf(Harness& harness) { return dynamic_cast<ZmqHarness&>(harness).zmq_server(); }

KeyPair Harness::EnrolledKeys() {
  KeyPair keys = NewKeys();
  gate.Allow(keys.public_key);
  return keys;
}

Frame FrameOf(std::string_view text, ByteSpan payload) {
  const ByteSpan head = AsBytes(text);
  Frame frame;
  frame.head.assign(head.begin(), head.end());
  if (!payload.empty()) {
    auto owner = std::make_shared<const Bytes>(payload.begin(), payload.end());
    frame.payload = {owner, *owner};
  }
  return frame;
}

std::string TextOf(const Frame& frame) { return std::string(AsText(frame.head)); }

bool Eventually(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
  }
  return true;
}

KeyPair NewKeys() {
  auto keys = GenerateKeyPair();
  EXPECT_TRUE(keys.has_value()) << keys.error().Text();
  return std::move(*keys);
}

std::vector<KeyPair> NewIdentities(std::size_t count) {
  std::vector<KeyPair> identities;
  for (std::size_t i = 0; i < count; ++i) identities.push_back(NewKeys());
  return identities;
}

TestClient::TestClient(Harness& harness, std::vector<KeyPair> identities) : harness_(harness) {
  for (const KeyPair& pair : identities) keys_.push_back(pair.public_key);
  transport_ = harness.MakeClient(std::move(identities));
}

LinkId TestClient::Open(std::size_t identity, const ClientTransport::Target& target) {
  const auto link = transport_->Open(identity, target);
  EXPECT_TRUE(link.has_value()) << link.error().Text();
  return link.value_or(0);
}

LinkId TestClient::Join(std::size_t identity) {
  const LinkId link = Open(identity);
  EXPECT_TRUE(AwaitUp(link));
  return link;
}

void TestClient::Close(LinkId link) {
  transport_->Close(link);
  up_.erase(link);
}

bool TestClient::AwaitUp(LinkId link) {
  return Eventually([&] {
    if (IsUp(link)) return true;
    PollOnce();
    return false;
  });
}

std::optional<Reason> TestClient::AwaitDown(LinkId link) {
  const bool down = Eventually([&] {
    if (down_.contains(link)) return true;
    PollOnce();
    return false;
  });
  if (!down) return std::nullopt;
  return down_.at(link);
}

SendResult TestClient::Say(LinkId link, Channel channel, Frame frame) {
  SendResult result = SendResult::full;
  EXPECT_TRUE(Eventually([&] {
    result = transport_->Send(link, channel, frame);
    if (result != SendResult::full) return true;
    PollOnce();
    return false;
  }));
  return result;
}

ClientMessage TestClient::Hear(LinkId link) {
  const bool heard = Eventually([&] {
    if (!heard_[link].empty()) return true;
    PollOnce();
    return false;
  });
  EXPECT_TRUE(heard) << "nothing came on the link";
  if (!heard) return {};
  ClientMessage message = std::move(heard_[link].front());
  heard_[link].erase(heard_[link].begin());
  return message;
}

void TestClient::PollOnce() {
  harness_.PollServer();
  std::vector<ClientEvent> events;
  transport_->Poll(kTurn, events);
  for (ClientEvent& event : events) {
    if (std::holds_alternative<LinkUp>(event.what)) {
      EXPECT_TRUE(up_.emplace(event.link, true).second) << "a link comes up once";
    } else if (const auto* down = std::get_if<LinkDown>(&event.what)) {
      EXPECT_TRUE(down_.emplace(event.link, down->reason).second) << "a link goes down once";
    } else {
      EXPECT_TRUE(IsUp(event.link)) << "a message comes on links that are up";
      EXPECT_FALSE(down_.contains(event.link)) << "a message comes before its link's end";
      heard_[event.link].push_back(std::get<ClientMessage>(std::move(event.what)));
    }
  }
}

ServerMessage HearAtServer(Harness& harness, Channel channel) {
  std::vector<ServerMessage>& messages = harness.polled[channel];
  const bool heard = Eventually([&] {
    if (messages.empty()) harness.server(channel).Poll(kTurn, messages);
    return !messages.empty();
  });
  EXPECT_TRUE(heard) << "nothing came to the server";
  if (!heard) return {};
  ServerMessage message = std::move(messages.front());
  messages.erase(messages.begin());
  return message;
}

}  // namespace muster
