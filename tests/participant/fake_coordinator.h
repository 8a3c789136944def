// A scripted coordinator over the in-memory transport: enough of the protocol for the participant
// runtime, and every fault a test asks for.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/job.h"
#include "protocol/codec.h"
#include "training/trainer.h"
#include "transport/memory_transport.h"

namespace muster::participant {

class OpenDoor : public KeyGate {
 public:
  Status Check(const PublicKey&) override { return {}; }
  void OnRefused(const PublicKey&, Reason) override {}
  void OnConnectionsFailed(Reason, std::uint64_t, const std::string&) override {}
};

/// Not thread-safe: the test's thread calls it, the host runs in another.
class FakeCoordinator {
 public:
  FakeCoordinator(MemoryHub& hub, const JobSpec& job, const PublicKey& key);

  /// Serves until `done` says so. False if that takes longer than a minute: a hang.
  bool ServeUntil(const std::function<bool()>& done);
  /// Serves what has come and is not yet served. For a host that has ended.
  void ServeRest();
  bool ServeUntil(bool& flag) {
    return ServeUntil([&flag] { return flag; });
  }

  struct Upload {
    Offer offer;
    Bytes bytes;
  };
  /// What a peer named `name` has on this coordinator.
  struct Peer {
    LinkId control = 0;
    LinkId bulk = 0;
    Hello hello;
    RosterIndex index = 0;
    std::optional<Upload> upload;
    std::optional<Reason> left;
    int hellos = 0;
    int accepted = 0;
  };
  Peer& peer(const std::string& name) { return peers_[name]; }

  void Order(Peer& peer, Round round, Version base);
  void Say(Peer& peer, const Message& message);
  /// A new coordinator process on the same state: another epoch, sessions forgotten.
  void Restart();

  /// Called for an offer; the default grants the whole of it.
  std::function<void(Peer&, const Offer&)> on_offer;
  /// Called with a whole upload; the default accepts and commits it.
  std::function<void(Peer&, const Upload&)> on_upload;
  std::function<void(Peer&)> on_session;  ///< After the welcome.
  /// Turns a chunk about to be sent into another one; the default leaves it.
  std::function<void(ModelChunk&, Bytes&)> spoil_chunk;
  Welcome::RetainedFate fate = Welcome::RetainedFate::none;
  std::uint64_t chunks_sent = 0;

  void Grant(Peer& peer, const Offer& offer);
  void Accept(Peer& peer, const Upload& upload);
  const ParameterSet& model() const { return model_; }

 private:
  /// Serves what has come by now; false if nothing has.
  bool ServeSome();
  void Receive(Channel channel, ServerMessage message);
  void OnControl(LinkId link, const Message& message);
  void OnBulk(LinkId link, const Message& message, ByteSpan payload);
  void SendModel(LinkId link, const ModelRequest& request);
  void TakeChunk(LinkId link, const UpdateChunk& chunk, ByteSpan payload);
  Peer* PeerOf(LinkId link, Channel channel);
  void Send(ServerSocket& socket, LinkId link, const Message& message, Payload payload);

  JobSpec job_;
  std::unique_ptr<ServerSocket> control_;
  std::unique_ptr<ServerSocket> bulk_;
  ParameterSet model_;
  Epoch epoch_{1, 100};
  Version head_ = 0;
  std::map<std::string, Peer> peers_;
};

}  // namespace muster::participant
