// Who gets into the bulk channel of the real transport, and what becomes of bytes that were changed
// on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <zmq.hpp>

#include "common/limits.h"
#include "tests/transport/harness.h"
#include "tests/transport/raw_dealer.h"
#include "tests/transport/tampering_proxy.h"
#include "transport/internal/bulk_seal.h"
#include "transport/internal/bulk_ticket.h"

namespace muster {
namespace {

constexpr std::size_t kPayloadBytes = 100'000;

class BulkDoor : public testing::Test {
 protected:
  void SetUp() override {
    harness_->StartServer();
    client_ = std::make_unique<TestClient>(*harness_, NewIdentities(1));
    harness_->gate.Allow(client_->key());
  }
  /// An enrolled peer still comes in and is heard on bulk, both ways.
  void TearDown() override { ExpectBulkWorks(client_->Join()); }

  void ExpectBulkWorks(LinkId link) {
    const Bytes payload(kPayloadBytes, std::byte{7});
    client_->Say(link, Channel::bulk, FrameOf("up", payload));
    const ServerMessage message = HearAtServer(*harness_, Channel::bulk);
    EXPECT_EQ(TextOf(message.frame), "up");
    EXPECT_EQ(Bytes(message.frame.payload.bytes.begin(), message.frame.payload.bytes.end()),
              payload);
    EXPECT_EQ(message.identity, client_->key());
    harness_->server(Channel::bulk).Send(message.link, FrameOf("down", payload));
    const ClientMessage answer = client_->Hear(link);
    EXPECT_EQ(TextOf(answer.frame), "down");
    EXPECT_EQ(Bytes(answer.frame.payload.bytes.begin(), answer.frame.payload.bytes.end()), payload);
  }

  /// What a peer with these keys is answered to its first frame on control.
  Bytes AnswerTo(const KeyPair& keys, const Bytes& request) {
    zmq::socket_t dealer = RawDealer(context_, harness_->target(), keys);
    dealer.send(zmq::message_t(request.data(), request.size()), zmq::send_flags::none);
    zmq::message_t answer;
    EXPECT_TRUE(Eventually([&] {
      harness_->PollServer();
      return dealer.recv(answer, zmq::recv_flags::dontwait).has_value();
    }));
    const auto* bytes = static_cast<const std::byte*>(answer.data());
    return {bytes, bytes + answer.size()};
  }
  /// Of an enrolled peer that asks for it as it should, and then does as it likes.
  BulkTicket TicketFor(const KeyPair& keys) {
    auto ticket = ParseTicket(AnswerTo(keys, EncodeTicketRequest()));
    EXPECT_TRUE(ticket.has_value());
    return std::move(*ticket);
  }
  KeyPair EnrolledKeys() { return harness_->EnrolledKeys(); }
  zmq::socket_t RawBulk(const std::string& user, const std::string& password) {
    zmq::socket_t dealer(context_, zmq::socket_type::dealer);
    dealer.set(zmq::sockopt::linger, 0);
    dealer.set(zmq::sockopt::plain_username, user);
    dealer.set(zmq::sockopt::plain_password, password);
    dealer.set(zmq::sockopt::reconnect_ivl, -1);
    dealer.connect(harness_->target().bulk_endpoint);
    return dealer;
  }
  zmq::socket_t RawBulk(const BulkTicket& ticket) {
    return RawBulk(TicketUser(ticket.number), TicketPassword(ticket.password));
  }
  static void SendSealed(zmq::socket_t& dealer, BulkSealer& sealer, std::string_view text) {
    Bytes sealed(text.size() + kSealedHeadExtra);
    sealer.Seal(AsBytes(text), {}, sealed, {});
    dealer.send(zmq::message_t(sealed.data(), sealed.size()), zmq::send_flags::none);
  }
  bool AwaitRefusedAtTheDoor(std::uint64_t count) {
    return Eventually([&] { return harness_->gate.failed(Reason::handshake_failed) == count; });
  }
  bool AwaitDropped(std::uint64_t count) {
    return Eventually([&] {
      PollBulk();
      return ZmqServerOf(*harness_).dropped_messages() >= count;
    });
  }
  void PollBulk() {
    harness_->server(Channel::bulk)
        .Poll(std::chrono::milliseconds(2), harness_->polled[Channel::bulk]);
  }

  std::unique_ptr<Harness> harness_ = MakeZmqHarness();
  std::unique_ptr<TestClient> client_;
  zmq::context_t context_;
};

TEST_F(BulkDoor, WithoutATicketNobodyIsLetIn) {
  zmq::socket_t guess = RawBulk("1", TicketPassword(RandomSecret(kTicketPasswordBytes)));
  guess.send(zmq::str_buffer("let me in"), zmq::send_flags::dontwait);
  EXPECT_TRUE(AwaitRefusedAtTheDoor(1));
  PollBulk();
  EXPECT_TRUE(harness_->polled[Channel::bulk].empty());
  EXPECT_EQ(ZmqServerOf(*harness_).dropped_messages(), 0U) << "it did not even come to speak";
}

TEST_F(BulkDoor, APeerWithoutAMechanismIsNotHeard) {
  zmq::socket_t stranger(context_, zmq::socket_type::dealer);
  stranger.set(zmq::sockopt::linger, 0);
  stranger.connect(harness_->target().bulk_endpoint);
  stranger.send(zmq::str_buffer("let me in"), zmq::send_flags::dontwait);
  EXPECT_TRUE(AwaitRefusedAtTheDoor(1));
  PollBulk();
  EXPECT_TRUE(harness_->polled[Channel::bulk].empty());
}

// Who sees a ticket pass in the clear cannot come with it.
TEST_F(BulkDoor, ATicketLetsOneConnectionIn) {
  BulkTicket ticket = TicketFor(EnrolledKeys());
  zmq::socket_t first = RawBulk(ticket);
  BulkSealer sealer(SecretBytes(ticket.up_key.Reveal()));
  SendSealed(first, sealer, "first");
  EXPECT_EQ(TextOf(HearAtServer(*harness_, Channel::bulk).frame), "first");
  zmq::socket_t second = RawBulk(ticket);
  SendSealed(second, sealer, "second");
  EXPECT_TRUE(AwaitRefusedAtTheDoor(1));
  SendSealed(first, sealer, "third");
  EXPECT_EQ(TextOf(HearAtServer(*harness_, Channel::bulk).frame), "third");
}

TEST_F(BulkDoor, ARevokedKeysTicketLetsNobodyIn) {
  const KeyPair keys = EnrolledKeys();
  const BulkTicket ticket = TicketFor(keys);
  harness_->gate.Revoke(keys.public_key);
  zmq::socket_t late = RawBulk(ticket);
  EXPECT_TRUE(Eventually([&] { return !harness_->gate.refused().empty(); }));
  EXPECT_THAT(harness_->gate.refused(),
              testing::ElementsAre(std::pair(keys.public_key, Reason::revoked)));
  EXPECT_EQ(harness_->gate.failed(Reason::handshake_failed), 0U) << "counted once";
}

TEST_F(BulkDoor, AMessageIsItsTicketHoldersAndAnothersKeysOpenNothing) {
  const KeyPair mine = EnrolledKeys();
  const BulkTicket my_ticket = TicketFor(mine);
  const BulkTicket other_ticket = TicketFor(EnrolledKeys());
  zmq::socket_t dealer = RawBulk(my_ticket);
  BulkSealer sealer(SecretBytes(my_ticket.up_key.Reveal()));
  SendSealed(dealer, sealer, "mine");
  EXPECT_EQ(HearAtServer(*harness_, Channel::bulk).identity, mine.public_key);
  BulkSealer others(SecretBytes(other_ticket.up_key.Reveal()));
  SendSealed(dealer, others, "not mine");
  SendSealed(dealer, others, "not mine either");
  EXPECT_TRUE(AwaitDropped(2));
  EXPECT_TRUE(harness_->polled[Channel::bulk].empty());
}

TEST_F(BulkDoor, AConnectionGetsOneTicketAsItsFirstFrame) {
  const LinkId link = client_->Join();
  const Bytes request = EncodeTicketRequest();
  client_->Say(link, Channel::control, Frame{request, {}});
  EXPECT_TRUE(Eventually([&] {
    harness_->PollServer();
    return ZmqServerOf(*harness_).dropped_messages() == 1;
  }));
  ExpectBulkWorks(link);
}

// The bound on what one key holds must not leave a connection that nobody hears and nobody tells.
TEST_F(BulkDoor, TheConnectionThatMakesRoomForANinthIsToldToComeAnew) {
  std::vector<LinkId> links;
  for (std::size_t i = 0; i < limits::kLinksPerIdentityMax; ++i) links.push_back(client_->Join());
  for (const LinkId link : links) ExpectBulkWorks(link);
  const LinkId ninth = client_->Join();
  client_->Say(ninth, Channel::bulk, FrameOf("ninth"));
  EXPECT_EQ(TextOf(HearAtServer(*harness_, Channel::bulk).frame), "ninth");
  EXPECT_EQ(client_->AwaitDown(links[0]), Reason::connection_lost);
  ExpectBulkWorks(links[1]);
}

// Nobody sealed four parts.
TEST_F(BulkDoor, AMessageInTooManyPartsEndsTheConnection) {
  const BulkTicket ticket = TicketFor(EnrolledKeys());
  zmq::socket_t dealer = RawBulk(ticket);
  BulkSealer sealer(SecretBytes(ticket.up_key.Reveal()));
  SendSealed(dealer, sealer, "first");
  EXPECT_EQ(TextOf(HearAtServer(*harness_, Channel::bulk).frame), "first");
  for (int i = 0; i < 4; ++i) {
    dealer.send(zmq::str_buffer("part"), i < 3 ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
  SendSealed(dealer, sealer, "second");
  EXPECT_TRUE(AwaitDropped(2));
  EXPECT_TRUE(harness_->polled[Channel::bulk].empty());
}

// Whoever took a ticket's connection over has no key to speak with, and what it says ends it.
TEST_F(BulkDoor, AfterAFrameThatDoesNotOpenNothingIsHeard) {
  const BulkTicket ticket = TicketFor(EnrolledKeys());
  zmq::socket_t dealer = RawBulk(ticket);
  dealer.send(zmq::str_buffer("not sealed at all, and long enough to be"), zmq::send_flags::none);
  EXPECT_TRUE(AwaitDropped(1));
  BulkSealer sealer(SecretBytes(ticket.up_key.Reveal()));
  SendSealed(dealer, sealer, "sealed as it should be");
  EXPECT_TRUE(AwaitDropped(2));
  EXPECT_TRUE(harness_->polled[Channel::bulk].empty());
  // It is told to come anew, each time: an empty frame.
  BulkOpener opener(SecretBytes(ticket.down_key.Reveal()));
  for (int i = 0; i < 2; ++i) {
    zmq::message_t answer;
    ASSERT_TRUE(
        Eventually([&] { return dealer.recv(answer, zmq::recv_flags::dontwait).has_value(); }));
    const auto opened = opener.Open({static_cast<std::byte*>(answer.data()), answer.size()}, {});
    ASSERT_TRUE(opened.has_value());
    EXPECT_TRUE(opened->head.empty());
  }
}

TEST_F(BulkDoor, ARequestOfAnotherFormatIsRefusedByName) {
  Bytes request = EncodeTicketRequest();
  request[8] = std::byte{9};
  const Bytes answer = AnswerTo(EnrolledKeys(), request);
  EXPECT_EQ(ParseTicket(answer).error().reason, Reason::protocol_unsupported);
}

/// A client whose bulk connection goes through somebody else's hands.
class BulkOnTheWay : public BulkDoor {
 protected:
  LinkId JoinThroughProxy() {
    proxy_ = std::make_unique<TamperingProxy>(harness_->target().bulk_endpoint);
    auto target = harness_->target();
    target.bulk_endpoint = proxy_->endpoint();
    const LinkId link = client_->Open(0, target);
    EXPECT_TRUE(client_->AwaitUp(link));
    ExpectBulkWorks(link);
    return link;
  }
  const Bytes payload_ = Bytes(kPayloadBytes, std::byte{1});
  std::unique_ptr<TamperingProxy> proxy_;
};

TEST_F(BulkOnTheWay, AChangedUpdateIsNeverHandedOutAndTheLinkEnds) {
  const LinkId link = JoinThroughProxy();
  proxy_->TamperNext(TamperingProxy::Way::to_server, 1000);
  client_->Say(link, Channel::bulk, FrameOf("update", payload_));
  EXPECT_TRUE(AwaitDropped(1));
  EXPECT_TRUE(proxy_->tampered());
  EXPECT_TRUE(harness_->polled[Channel::bulk].empty());
  EXPECT_EQ(client_->AwaitDown(link), Reason::connection_lost) << "so that it opens a new one";
}

TEST_F(BulkOnTheWay, AChangedModelIsNeverHandedOutAndTheLinkEnds) {
  const LinkId link = JoinThroughProxy();
  client_->Say(link, Channel::bulk, FrameOf("a chunk, please"));
  const LinkId server_link = HearAtServer(*harness_, Channel::bulk).link;
  proxy_->TamperNext(TamperingProxy::Way::to_client, 1000);
  Frame model = FrameOf("model", payload_);
  model.payload.shared = std::make_shared<SharedSeal>();
  harness_->server(Channel::bulk).Send(server_link, std::move(model));
  // TestClient fails the test if a message comes instead.
  EXPECT_EQ(client_->AwaitDown(link), Reason::connection_lost);
  EXPECT_TRUE(proxy_->tampered());
}

}  // namespace
}  // namespace muster
