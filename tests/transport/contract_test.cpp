// The contract of transport.h, held by both transports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "common/limits.h"
#include "tests/transport/harness.h"

namespace muster {
namespace {

using HarnessMaker = std::unique_ptr<Harness> (*)();

class TransportContract : public testing::TestWithParam<std::pair<const char*, HarnessMaker>> {
 protected:
  void SetUp() override {
    harness_ = GetParam().second();
    harness_->StartServer();
    client_ = MakeClient(2);
  }
  /// All of its identities are enrolled.
  std::unique_ptr<TestClient> MakeClient(std::size_t identities) {
    auto client = std::make_unique<TestClient>(*harness_, NewIdentities(identities));
    for (std::size_t i = 0; i < identities; ++i) harness_->gate.Allow(client->key(i));
    return client;
  }
  /// The server's name for a link on a channel: it hears a message and says whose link it was.
  LinkId Introduce(LinkId link, Channel channel = Channel::control) {
    EXPECT_EQ(client_->Say(link, channel, FrameOf("hello")), SendResult::sent);
    return HearAtServer(*harness_, channel).link;
  }
  SendResult ServerSays(LinkId link, std::string_view text, Channel channel = Channel::control) {
    return harness_->server(channel).Send(link, FrameOf(text));
  }

  std::unique_ptr<Harness> harness_;
  std::unique_ptr<TestClient> client_;
};

TEST_P(TransportContract, AMessageArrivesOnItsChannelUnderItsSendersKey) {
  const LinkId link = client_->Join();
  for (const Channel channel : {Channel::control, Channel::bulk}) {
    client_->Say(link, channel, FrameOf("ping"));
    const ServerMessage message = HearAtServer(*harness_, channel);
    EXPECT_EQ(TextOf(message.frame), "ping");
    EXPECT_EQ(message.identity, client_->key());
    EXPECT_TRUE(message.frame.payload.bytes.empty());
    EXPECT_EQ(ServerSays(message.link, "pong", channel), SendResult::sent);
    const ClientMessage answer = client_->Hear(link);
    EXPECT_EQ(answer.channel, channel);
    EXPECT_EQ(TextOf(answer.frame), "pong");
  }
}

TEST_P(TransportContract, AChunkOfOneMebibyteTravelsBothWays) {
  const LinkId link = client_->Join();
  Bytes chunk(limits::kTransferChunkBytesMax);
  for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i] = static_cast<std::byte>(i * 31 >> 8);
  client_->Say(link, Channel::bulk, FrameOf("up", chunk));
  const ServerMessage up = HearAtServer(*harness_, Channel::bulk);
  EXPECT_EQ(TextOf(up.frame), "up");
  EXPECT_TRUE(std::ranges::equal(up.frame.payload.bytes, chunk));
  // The very payload that came goes out again, held by nobody else.
  EXPECT_EQ(harness_->server(Channel::bulk).Send(up.link, up.frame), SendResult::sent);
  const ClientMessage down = client_->Hear(link);
  EXPECT_TRUE(std::ranges::equal(down.frame.payload.bytes, chunk));
}

TEST_P(TransportContract, MessagesOfALinkKeepTheirOrder) {
  const LinkId link = client_->Join();
  int heard = 0;
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(client_->Say(link, Channel::control, FrameOf(std::to_string(i))), SendResult::sent);
    if (i % 32 != 31) continue;
    while (heard <= i) {
      ASSERT_EQ(TextOf(HearAtServer(*harness_, Channel::control).frame), std::to_string(heard));
      ++heard;
    }
  }
}

TEST_P(TransportContract, AnUnknownKeyIsRefusedAndCounted) {
  TestClient stranger(*harness_, NewIdentities(1));
  EXPECT_EQ(stranger.AwaitDown(stranger.Open()), Reason::unknown_key);
  EXPECT_THAT(harness_->gate.refused(),
              testing::Contains(std::pair(stranger.key(), Reason::unknown_key)));
  const LinkId link = client_->Join();
  EXPECT_NE(Introduce(link), 0U) << "others are not disturbed";
}

TEST_P(TransportContract, ARevokedKeyDoesNotComeBackIn) {
  harness_->gate.Revoke(client_->key());
  EXPECT_EQ(client_->AwaitDown(client_->Open()), Reason::revoked);
  EXPECT_THAT(harness_->gate.refused(),
              testing::Contains(std::pair(client_->key(), Reason::revoked)));
}

TEST_P(TransportContract, AKeyRevokedOnALiveLinkIsSeenByTheCaller) {
  const LinkId link = client_->Join();
  Introduce(link);
  harness_->gate.Revoke(client_->key());
  client_->Say(link, Channel::control, FrameOf("still here"));
  const ServerMessage message = HearAtServer(*harness_, Channel::control);
  EXPECT_FALSE(harness_->gate.IsAllowed(message.identity));
  harness_->server(Channel::control).Drop(message.link);
  EXPECT_EQ(ServerSays(message.link, "secret"), SendResult::gone);
}

TEST_P(TransportContract, AWrongServerKeyNeverComesUp) {
  ClientTransport::Target target = harness_->target();
  target.server_key = NewKeys().public_key;
  const LinkId link = client_->Open(0, target);
  EXPECT_TRUE(client_->AwaitDown(link).has_value());
  EXPECT_FALSE(client_->IsUp(link));
}

TEST_P(TransportContract, TwoLinksOfOneKeyAreKeptApart) {
  const LinkId first = client_->Join();
  const LinkId second = client_->Join();
  const LinkId server_first = Introduce(first);
  const LinkId server_second = Introduce(second);
  EXPECT_NE(server_first, server_second);
  EXPECT_EQ(ServerSays(server_second, "to the second"), SendResult::sent);
  EXPECT_EQ(ServerSays(server_first, "to the first"), SendResult::sent);
  EXPECT_EQ(TextOf(client_->Hear(first).frame), "to the first");
  EXPECT_EQ(TextOf(client_->Hear(second).frame), "to the second");
}

TEST_P(TransportContract, EachIdentityOfAClientSpeaksForItself) {
  const LinkId first = client_->Join(0);
  const LinkId second = client_->Join(1);
  client_->Say(second, Channel::control, FrameOf("second"));
  EXPECT_EQ(HearAtServer(*harness_, Channel::control).identity, client_->key(1));
  client_->Say(first, Channel::control, FrameOf("first"));
  EXPECT_EQ(HearAtServer(*harness_, Channel::control).identity, client_->key(0));
}

TEST_P(TransportContract, TheOldestOfTooManyLinksOfAKeyIsForgotten) {
  std::vector<LinkId> links;
  std::vector<LinkId> server_links;
  for (std::size_t i = 0; i <= limits::kLinksPerIdentityMax; ++i) {
    links.push_back(client_->Join());
    server_links.push_back(Introduce(links.back()));
  }
  EXPECT_EQ(ServerSays(server_links.front(), "x"), SendResult::gone);
  EXPECT_EQ(ServerSays(server_links[1], "x"), SendResult::sent);
  EXPECT_GT(Introduce(links.front()), server_links.back()) << "it comes back as a new link";
}

TEST_P(TransportContract, ADroppedLinkSpeaksUnderANewId) {
  const LinkId link = client_->Join();
  const LinkId before = Introduce(link);
  EXPECT_EQ(Introduce(link), before);
  harness_->server(Channel::control).Drop(before);
  EXPECT_EQ(ServerSays(before, "x"), SendResult::gone);
  const LinkId after = Introduce(link);
  EXPECT_NE(after, before);
  EXPECT_EQ(ServerSays(after, "welcome back"), SendResult::sent);
  EXPECT_EQ(TextOf(client_->Hear(link).frame), "welcome back");
}

TEST_P(TransportContract, ADroppedBulkLinkSpeaksUnderANewId) {
  const LinkId link = client_->Join();
  const LinkId before = Introduce(link, Channel::bulk);
  harness_->server(Channel::bulk).Drop(before);
  const LinkId after = Introduce(link, Channel::bulk);
  EXPECT_NE(after, before);
  EXPECT_EQ(ServerSays(after, "welcome back", Channel::bulk), SendResult::sent);
  EXPECT_EQ(TextOf(client_->Hear(link).frame), "welcome back");
}

TEST_P(TransportContract, APayloadForManyReachesEachAsItIs) {
  const LinkId links[] = {client_->Join(0), client_->Join(1)};
  Frame frame = FrameOf("model", Bytes(limits::kTransferChunkBytesMax, std::byte{5}));
  const Bytes expected(frame.payload.bytes.begin(), frame.payload.bytes.end());
  frame.payload.shared = std::make_shared<SharedSeal>();
  for (const LinkId link : links) {
    const LinkId server_link = Introduce(link, Channel::bulk);
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(harness_->server(Channel::bulk).Send(server_link, frame), SendResult::sent);
      const Payload payload = client_->Hear(link).frame.payload;
      EXPECT_EQ(Bytes(payload.bytes.begin(), payload.bytes.end()), expected);
    }
  }
}

TEST_P(TransportContract, AClosedLinkIsGoneForBothEnds) {
  const LinkId link = client_->Join();
  const LinkId server_link = Introduce(link);
  client_->Close(link);
  EXPECT_EQ(client_->transport().Send(link, Channel::control, FrameOf("x")), SendResult::gone);
  EXPECT_TRUE(Eventually([&] {
    std::vector<ServerMessage> messages;
    harness_->server(Channel::control).Poll(std::chrono::milliseconds(1), messages);
    return ServerSays(server_link, "anyone?") == SendResult::gone;
  }));
}

TEST_P(TransportContract, LinksThatNeverWereAreGone) {
  EXPECT_EQ(ServerSays(987654, "x"), SendResult::gone);
  EXPECT_EQ(client_->transport().Send(987654, Channel::bulk, FrameOf("x")), SendResult::gone);
  client_->transport().Close(987654);
  harness_->server(Channel::bulk).Drop(987654);
}

TEST_P(TransportContract, TheClientSeesTheServerGoAndComesBack) {
  const LinkId link = client_->Join();
  const LinkId server_link = Introduce(link);
  harness_->StopServer();
  EXPECT_EQ(client_->AwaitDown(link), Reason::connection_lost);
  EXPECT_EQ(client_->transport().Send(link, Channel::control, FrameOf("x")), SendResult::gone);
  client_->Close(link);
  EXPECT_EQ(client_->AwaitDown(client_->Open()), Reason::connection_lost) << "nobody is there";
  harness_->StartServer();
  const LinkId again = client_->Join();
  EXPECT_NE(again, link);
  const LinkId server_again = Introduce(again);
  EXPECT_NE(server_again, server_link);
  EXPECT_EQ(ServerSays(server_again, "welcome"), SendResult::sent);
  EXPECT_EQ(TextOf(client_->Hear(again).frame), "welcome");
}

TEST_P(TransportContract, ASlowPeerFillsUpAndRecovers) {
  const LinkId link = client_->Join();
  const LinkId server_link = Introduce(link, Channel::bulk);
  ServerSocket& server = harness_->server(Channel::bulk);
  const Bytes chunk(limits::kTransferChunkBytesMax);
  int sent = 0;
  SendResult result = SendResult::sent;
  while (result == SendResult::sent && sent < 10'000) {
    result = server.Send(server_link, FrameOf(std::to_string(sent), chunk));
    if (result == SendResult::sent) ++sent;
  }
  ASSERT_EQ(result, SendResult::full);
  const auto before = std::chrono::steady_clock::now();
  std::vector<ServerMessage> none;
  server.Poll(kPatience, none);
  EXPECT_LT(std::chrono::steady_clock::now() - before, kPatience / 2)
      << "a Poll after full is short";
  for (int i = 0; i < sent; ++i) {
    ASSERT_EQ(TextOf(client_->Hear(link).frame), std::to_string(i)) << "what was sent arrives";
  }
  EXPECT_TRUE(Eventually(
      [&] { return server.Send(server_link, FrameOf("again", chunk)) == SendResult::sent; }));
  EXPECT_EQ(TextOf(client_->Hear(link).frame), "again");
}

TEST_P(TransportContract, WakeEndsAPollOfEitherEnd) {
  const auto before = std::chrono::steady_clock::now();
  std::thread waker([this] {
    harness_->server(Channel::control).Wake();
    client_->transport().Wake();
  });
  std::vector<ServerMessage> messages;
  harness_->server(Channel::control).Poll(kPatience, messages);
  std::vector<ClientEvent> events;
  client_->transport().Poll(kPatience, events);
  waker.join();
  EXPECT_LT(std::chrono::steady_clock::now() - before, kPatience / 2);
  EXPECT_TRUE(messages.empty());
  EXPECT_TRUE(events.empty());
}

INSTANTIATE_TEST_SUITE_P(Of, TransportContract,
                         testing::Values(std::pair("Memory", &MakeMemoryHarness),
                                         std::pair("Zmq", &MakeZmqHarness)),
                         [](const auto& instance) { return instance.param.first; });

}  // namespace
}  // namespace muster
