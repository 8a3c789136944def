#include "tests/participant/fake_coordinator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/digest.h"
#include "common/limits.h"

namespace muster::participant {

FakeCoordinator::FakeCoordinator(MemoryHub& hub, const JobSpec& job, const PublicKey& key)
    : job_(job), control_(hub.Bind(Channel::control, key)), bulk_(hub.Bind(Channel::bulk, key)) {
  Result<std::unique_ptr<Trainer>> trainer = CreateTrainer(job, 0, {});
  EXPECT_TRUE(trainer) << trainer.error().Text();
  model_ = (*trainer)->InitialParameters();
  on_offer = [this](Peer& peer, const Offer& offer) { Grant(peer, offer); };
  on_upload = [this](Peer& peer, const Upload& upload) { Accept(peer, upload); };
  on_session = [](Peer&) {};
  spoil_chunk = [](ModelChunk&, Bytes&) {};
}

bool FakeCoordinator::ServeUntil(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ServeSome();
  }
  return true;
}

void FakeCoordinator::ServeRest() {
  while (ServeSome()) {
  }
}

bool FakeCoordinator::ServeSome() {
  std::vector<ServerMessage> control, bulk;
  control_->Poll(std::chrono::milliseconds(1), control);
  for (ServerMessage& message : control) Receive(Channel::control, std::move(message));
  bulk_->Poll(std::chrono::milliseconds(0), bulk);
  for (ServerMessage& message : bulk) Receive(Channel::bulk, std::move(message));
  return !control.empty() || !bulk.empty();
}

void FakeCoordinator::Receive(Channel channel, ServerMessage message) {
  const auto decoded = DecodeMessage(message.frame.head, message.frame.payload.bytes.size());
  ASSERT_TRUE(decoded) << decoded.error().Text();
  if (channel == Channel::control) {
    OnControl(message.link, decoded->message);
  } else {
    OnBulk(message.link, decoded->message, message.frame.payload.bytes);
  }
}

void FakeCoordinator::OnControl(LinkId link, const Message& message) {
  if (const auto* hello = std::get_if<Hello>(&message)) {
    const auto index = static_cast<RosterIndex>(hello->name.back() - '0');
    Peer& peer = peers_[hello->name];
    peer.control = link;
    peer.hello = *hello;
    peer.index = index;
    ++peer.hellos;
    Welcome welcome;
    welcome.job_name = job_.name;
    welcome.job = EncodeJob(job_);
    welcome.job_digest = Sha256Of(welcome.job);
    welcome.lineages = {{{1, 11}, 0, 0}};
    welcome.epoch = epoch_;
    welcome.head = head_;
    welcome.index = index;
    welcome.lease_ms = 60'000;
    welcome.retained = hello->retained;
    welcome.retained_fate = fate;
    Say(peer, welcome);
    on_session(peer);
    return;
  }
  Peer* peer = PeerOf(link, Channel::control);
  if (peer == nullptr) return;
  if (const auto* offer = std::get_if<Offer>(&message)) on_offer(*peer, *offer);
  if (const auto* leave = std::get_if<Leave>(&message)) peer->left = leave->reason;
  if (std::holds_alternative<LeaseRenew>(message)) Say(*peer, LeaseAck{});
}

void FakeCoordinator::OnBulk(LinkId link, const Message& message, ByteSpan payload) {
  if (const auto* hello = std::get_if<BulkHello>(&message)) {
    for (auto& [name, peer] : peers_) {
      if (peer.hello.incarnation == hello->incarnation) peer.bulk = link;
    }
  } else if (const auto* request = std::get_if<ModelRequest>(&message)) {
    SendModel(link, *request);
  } else if (const auto* chunk = std::get_if<UpdateChunk>(&message)) {
    TakeChunk(link, *chunk, payload);
  }
}

void FakeCoordinator::SendModel(LinkId link, const ModelRequest& request) {
  const ByteSpan bytes = std::as_const(model_).bytes().subspan(request.offset, request.bytes);
  auto owner = std::make_shared<Bytes>(bytes.begin(), bytes.end());
  ModelChunk chunk{request.version, request.offset, request.bytes, Xxh64Of(bytes)};
  spoil_chunk(chunk, *owner);
  ++chunks_sent;
  Send(*bulk_, link, chunk, Payload{owner, ByteSpan(*owner)});
}

void FakeCoordinator::TakeChunk(LinkId link, const UpdateChunk& chunk, ByteSpan payload) {
  Peer* peer = PeerOf(link, Channel::bulk);
  if (peer == nullptr || !peer->upload || peer->upload->offer.id != chunk.id) return;
  Upload& upload = *peer->upload;
  EXPECT_EQ(chunk.checksum, Xxh64Of(payload));
  EXPECT_EQ(chunk.offset, upload.bytes.size());
  upload.bytes.insert(upload.bytes.end(), payload.begin(), payload.end());
  Say(*peer, UploadCredit{chunk.id, upload.bytes.size()});
  if (upload.bytes.size() < upload.offer.bytes) return;
  EXPECT_EQ(Xxh128Of(upload.bytes), upload.offer.digest);
  const Upload whole = std::move(upload);
  peer->upload.reset();
  on_upload(*peer, whole);
}

void FakeCoordinator::Grant(Peer& peer, const Offer& offer) {
  peer.upload = Upload{offer, {}};
  Say(peer, muster::Grant{offer.id, offer.digest, 0, limits::kCreditWindowBytes,
                          limits::kTransferChunkBytes});
}

void FakeCoordinator::Accept(Peer& peer, const Upload& upload) {
  ++peer.accepted;
  head_ = std::max(head_, upload.offer.base_version + 1);
  Say(peer, Accepted{upload.offer.id, upload.offer.digest});
  Say(peer, Committed{upload.offer.id, upload.offer.base_version + 1});
}

void FakeCoordinator::Order(Peer& peer, Round round, Version base) {
  TaskOrder order;
  order.id = {1, round, peer.index, 0};
  order.base_version = base;
  order.model_digest = Xxh128Of(std::as_const(model_).bytes());
  order.model_bytes = model_.layout().total_bytes();
  order.deadline_ms = 60'000;
  Say(peer, order);
}

void FakeCoordinator::Restart() {
  ++epoch_.number;
  epoch_.nonce += 7;
  for (auto& [name, peer] : peers_) peer.control = peer.bulk = 0;
}

void FakeCoordinator::Say(Peer& peer, const Message& message) {
  Send(*control_, peer.control, message, {});
}

void FakeCoordinator::Send(ServerSocket& socket, LinkId link, const Message& message,
                           Payload payload) {
  MessageHeader header;
  header.job = JobPrefixOf(JobDigest(job_));
  header.fence = {1, epoch_};
  socket.Send(link, Frame{EncodeMessage(header, message), std::move(payload)});
}

FakeCoordinator::Peer* FakeCoordinator::PeerOf(LinkId link, Channel channel) {
  for (auto& [name, peer] : peers_) {
    if ((channel == Channel::control ? peer.control : peer.bulk) == link) return &peer;
  }
  return nullptr;
}

}  // namespace muster::participant
