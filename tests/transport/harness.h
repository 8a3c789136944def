// A coordinator's sockets and clients that talk to them, over either transport. Waits end when what
// is awaited has come, or fail at a deadline.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "transport/keys.h"
#include "transport/transport.h"
#include "transport/zmq_transport.h"

namespace muster {

inline constexpr std::chrono::seconds kPatience{60};

/// Lets in whom the test allows, and remembers whom it turned away.
class TestGate final : public KeyGate {
 public:
  void Allow(const PublicKey& key) { Set(key, std::nullopt); }
  void Revoke(const PublicKey& key) { Set(key, Reason::revoked); }
  bool IsAllowed(const PublicKey& key);
  std::vector<std::pair<PublicKey, Reason>> refused();

  Status Check(const PublicKey& key) override;
  void OnRefused(const PublicKey& key, Reason reason) override;
  void OnConnectionsFailed(Reason reason, std::uint64_t count, const std::string& text) override;
  std::uint64_t failed(Reason reason);

 private:
  void Set(const PublicKey& key, std::optional<Reason> refusal);
  std::mutex mutex_;
  std::map<PublicKey, std::optional<Reason>> known_;
  std::vector<std::pair<PublicKey, Reason>> refused_;
  std::map<Reason, std::uint64_t> failed_;
};

/// Which transport, and how its server is started and ended.
class Harness {
 public:
  virtual ~Harness() = default;
  /// At the same place each time.
  virtual void StartServer() = 0;
  virtual void StopServer() = 0;
  virtual ServerSocket& server(Channel channel) = 0;
  /// What a server's loop does all the time: a link comes up only if its control socket is read.
  virtual void PollServer() {}
  virtual ClientTransport::Target target() = 0;
  virtual std::unique_ptr<ClientTransport> MakeClient(std::vector<KeyPair> identities) = 0;

  /// Of a new peer that may connect.
  KeyPair EnrolledKeys();

  TestGate gate;
  /// What one Poll brought and HearAtServer has not handed out yet.
  std::map<Channel, std::vector<ServerMessage>> polled;
};

std::unique_ptr<Harness> MakeMemoryHarness();
std::unique_ptr<Harness> MakeZmqHarness();
/// REQUIRES: a harness of MakeZmqHarness.
ZmqServer& ZmqServerOf(Harness& harness);

Frame FrameOf(std::string_view text, ByteSpan payload = {});
std::string TextOf(const Frame& frame);
/// Polls until `done` says so; false at the deadline.
bool Eventually(const std::function<bool()>& done);

/// A client and what it was told.
class TestClient {
 public:
  /// One identity for each key pair.
  TestClient(Harness& harness, std::vector<KeyPair> identities);

  LinkId Open(std::size_t identity = 0) { return Open(identity, harness_.target()); }
  LinkId Open(std::size_t identity, const ClientTransport::Target& target);
  /// Open, and await that it is up.
  LinkId Join(std::size_t identity = 0);
  void Close(LinkId link);
  bool IsUp(LinkId link) const { return up_.contains(link); }
  bool AwaitUp(LinkId link);
  /// Why the link went down; nothing if it does not.
  std::optional<Reason> AwaitDown(LinkId link);
  /// Sends, polling while the peer is slow.
  SendResult Say(LinkId link, Channel channel, Frame frame);
  /// The next message on the link; fails the test if none comes.
  ClientMessage Hear(LinkId link);
  void PollOnce();
  ClientTransport& transport() { return *transport_; }
  const PublicKey& key(std::size_t identity = 0) const { return keys_[identity]; }

 private:
  Harness& harness_;
  std::vector<PublicKey> keys_;
  std::unique_ptr<ClientTransport> transport_;
  std::map<LinkId, bool> up_;
  std::map<LinkId, Reason> down_;
  std::map<LinkId, std::vector<ClientMessage>> heard_;
};

/// The next message at the server; fails the test if none comes.
ServerMessage HearAtServer(Harness& harness, Channel channel);

KeyPair NewKeys();
std::vector<KeyPair> NewIdentities(std::size_t count);

}  // namespace muster
