// What only the real transport meets: strangers on the wire, ZeroMQ's own traps, descriptors.
#include "transport/zmq_transport.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <zmq.hpp>

#include "common/file.h"
#include "common/limits.h"
#include "common/random.h"
#include "tests/transport/harness.h"
#include "tests/transport/raw_dealer.h"
#include "tests/transport/tcp_peer.h"
#include "transport/internal/zmq_server_socket.h"

namespace muster {
namespace {

/// A peer that speaks TCP and nothing else.
FileDescriptor ConnectTcp(const std::string& endpoint) { return ConnectToPort(PortOf(endpoint)); }

void WriteTo(const FileDescriptor& peer, std::string_view bytes) {
  // The server may have closed it already: that is its right.
  [[maybe_unused]] const auto sent = send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

std::size_t OpenDescriptors() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

class ZmqTransport : public testing::Test {
 protected:
  void SetUp() override {
    harness_->StartServer();
    client_ = std::make_unique<TestClient>(*harness_, NewIdentities(1));
    harness_->gate.Allow(client_->key());
  }
  void TearDown() override { ExpectUnharmed(); }

  /// An enrolled peer still comes in, speaks and is answered.
  void ExpectUnharmed() {
    const LinkId link = client_->Join();
    client_->Say(link, Channel::control, FrameOf("ping"));
    const ServerMessage message = HearAtServer(*harness_, Channel::control);
    EXPECT_EQ(TextOf(message.frame), "ping");
    EXPECT_EQ(message.identity, client_->key());
    harness_->server(Channel::control).Send(message.link, FrameOf("pong"));
    EXPECT_EQ(TextOf(client_->Hear(link).frame), "pong");
    client_->Close(link);
  }

  zmq::socket_t RawDealer(const KeyPair& keys, const std::string& routing_id = {}) {
    return muster::RawDealer(context_, harness_->target(), keys, routing_id);
  }
  KeyPair EnrolledKeys() { return harness_->EnrolledKeys(); }
  ZmqServer& server() { return ZmqServerOf(*harness_); }
  void PollServer() {
    harness_->server(Channel::control)
        .Poll(std::chrono::milliseconds(2), harness_->polled[Channel::control]);
  }
  bool AwaitDropped(std::uint64_t count) {
    return Eventually([&] {
      PollServer();
      return server().dropped_messages() >= count;
    });
  }

  std::unique_ptr<Harness> harness_ = MakeZmqHarness();
  std::unique_ptr<TestClient> client_;
  zmq::context_t context_;
};

TEST_F(ZmqTransport, ThePortIsTheOneThatWasBound) {
  EXPECT_GT(PortOf(harness_->server(Channel::control).endpoint()), 0);
  EXPECT_NE(PortOf(harness_->server(Channel::control).endpoint()),
            PortOf(harness_->server(Channel::bulk).endpoint()));
}

TEST_F(ZmqTransport, APortThatIsTakenIsAnError) {
  TestGate gate;
  const auto second = ZmqServer::Bind(
      {harness_->server(Channel::control).endpoint(), "tcp://127.0.0.1:0"}, NewKeys(), gate);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().reason, Reason::transport_failed);
  EXPECT_THAT(second.error().message, testing::HasSubstr("bind tcp://127.0.0.1:"));
}

TEST_F(ZmqTransport, AnAddressOfAnotherMachineIsNoPassingFailure) {
  TestGate gate;
  for (const std::string endpoint : {"tcp://192.0.2.1:0", "tcp://no-such-interface:0"}) {
    const auto server = ZmqServer::Bind({endpoint, "tcp://127.0.0.1:0"}, NewKeys(), gate);
    ASSERT_FALSE(server.has_value()) << endpoint;
    EXPECT_EQ(server.error().reason, Reason::config_invalid) << endpoint;
    EXPECT_THAT(server.error().message, testing::HasSubstr("bind " + endpoint));
  }
}

TEST_F(ZmqTransport, ABadEndpointIsAnError) {
  for (const std::string endpoint : {"", "nonsense", "tcp://", "udp://127.0.0.1:1"}) {
    auto target = harness_->target();
    target.control_endpoint = endpoint;
    const auto link = client_->transport().Open(0, target);
    ASSERT_FALSE(link.has_value()) << endpoint;
    EXPECT_EQ(link.error().reason, Reason::transport_failed);
  }
}

// CURVE without a handler would let any key in.
TEST_F(ZmqTransport, AServerWithoutAHandlerLetsNobodyInAndCountsIt) {
  const LinkId bystander = client_->Join();
  TestGate gate;
  gate.Allow(client_->key());
  std::atomic<LinkId> next{1};
  const KeyPair keys = NewKeys();
  auto context = MakeZmqContext();
  ASSERT_TRUE(context.has_value());
  BulkTickets tickets;
  auto control = ZmqServerSocket::Bind(*context, Channel::control, "tcp://127.0.0.1:0", keys, gate,
                                       tickets, next);
  auto bulk = ZmqServerSocket::Bind(*context, Channel::bulk, "tcp://127.0.0.1:0", keys, gate,
                                    tickets, next);
  ASSERT_TRUE(control.has_value()) << control.error().Text();
  ASSERT_TRUE(bulk.has_value()) << bulk.error().Text();
  const LinkId link =
      client_->Open(0, {(*control)->endpoint(), (*bulk)->endpoint(), keys.public_key});
  EXPECT_TRUE(client_->AwaitDown(link).has_value());
  EXPECT_FALSE(client_->IsUp(link));
  EXPECT_TRUE(Eventually([&] { return gate.failed(Reason::handshake_failed) > 0; }));
  // Beside it, the link of the same peer to a server with a handler is as it was.
  client_->Say(bystander, Channel::control, FrameOf("undisturbed"));
  EXPECT_EQ(TextOf(HearAtServer(*harness_, Channel::control).frame), "undisturbed");
  EXPECT_EQ(harness_->gate.failed(Reason::handshake_failed), 0U);
}

/// Lets the process open no further file while it lives, as far as Fill was called since one
/// closed.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    const FileDescriptor lowest(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit none = {static_cast<rlim_t>(lowest.get()), before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

  /// Takes the descriptors that other threads have given back.
  void Fill() {
    while (true) {
      FileDescriptor taken(open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (taken.get() < 0) return;
      taken_.push_back(std::move(taken));
    }
  }

 private:
  rlimit before_{};
  std::vector<FileDescriptor> taken_;
};

TEST_F(ZmqTransport, RunningOutOfDescriptorsIsToldAndCounted) {
  const LinkId link = client_->Join();
  const sockaddr_in address = LoopbackAt(PortOf(harness_->target().control_endpoint));
  // Several, as the first may still find a descriptor that another thread closed meanwhile.
  std::array<FileDescriptor, 16> peers;
  for (FileDescriptor& peer : peers) {
    peer = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  }
  {
    NoMoreFiles limited;
    for (const FileDescriptor& peer : peers) {
      limited.Fill();
      EXPECT_EQ(connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
                0);
    }
    EXPECT_TRUE(
        Eventually([&] { return harness_->gate.failed(Reason::descriptors_exhausted) > 0; }));
    client_->Say(link, Channel::control, FrameOf("still here"));
    EXPECT_EQ(TextOf(HearAtServer(*harness_, Channel::control).frame), "still here");
  }
}

TEST_F(ZmqTransport, AHandlerThatDeniesEverybodyLetsNobodyIn) {
  TestGate nobody;
  const KeyPair keys = NewKeys();
  auto closed = ZmqServer::Bind({"tcp://127.0.0.1:0", "tcp://127.0.0.1:0"}, keys, nobody);
  ASSERT_TRUE(closed.has_value());
  const LinkId link = client_->Open(
      0, {(*closed)->control().endpoint(), (*closed)->bulk().endpoint(), keys.public_key});
  EXPECT_EQ(client_->AwaitDown(link), Reason::unknown_key);
  EXPECT_FALSE(client_->IsUp(link));
  EXPECT_THAT(nobody.refused(), testing::Contains(std::pair(client_->key(), Reason::unknown_key)));
}

TEST_F(ZmqTransport, APeerWithoutCurveIsNotHeard) {
  zmq::socket_t plain(context_, zmq::socket_type::dealer);
  plain.set(zmq::sockopt::linger, 0);
  plain.connect(harness_->target().control_endpoint);
  plain.send(zmq::str_buffer("let me in"), zmq::send_flags::dontwait);
  ExpectUnharmed();
  EXPECT_TRUE(harness_->polled[Channel::control].empty());
}

TEST_F(ZmqTransport, RawTcpPeersDoNotDisturb) {
  const std::uint64_t seed = SystemRandom();
  SCOPED_TRACE("seed " + std::to_string(seed));
  KeyedStream stream(seed, "garbage", {});
  const LinkId link = client_->Join();
  std::vector<FileDescriptor> peers;
  for (int i = 0; i < 60; ++i) {
    peers.push_back(ConnectTcp(i % 2 == 0 ? harness_->target().control_endpoint
                                          : harness_->target().bulk_endpoint));
    std::string garbage;
    if (i % 3 == 1) garbage = std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE", 17);
    if (i % 3 == 2) garbage = std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10);
    for (std::uint64_t k = stream.Below(4096); k > 0; --k) {
      garbage.push_back(static_cast<char>(stream.Next()));
    }
    WriteTo(peers.back(), garbage);
  }
  client_->Say(link, Channel::control, FrameOf("undisturbed"));
  EXPECT_EQ(TextOf(HearAtServer(*harness_, Channel::control).frame), "undisturbed");
  EXPECT_EQ(server().dropped_messages(), 0U);
}

TEST_F(ZmqTransport, AnOversizeFrameEndsOnlyItsConnection) {
  const LinkId bystander = client_->Join();
  const KeyPair keys = EnrolledKeys();
  zmq::socket_t hostile = RawDealer(keys);
  hostile.send(zmq::str_buffer("hello"), zmq::send_flags::none);
  EXPECT_EQ(HearAtServer(*harness_, Channel::control).identity, keys.public_key);
  hostile.set(zmq::sockopt::reconnect_ivl, -1);
  zmq::message_t oversize(limits::kFrameBytesMax + 1);
  hostile.send(oversize, zmq::send_flags::none);
  client_->Say(bystander, Channel::control, FrameOf("still here"));
  const ServerMessage next = HearAtServer(*harness_, Channel::control);
  EXPECT_EQ(TextOf(next.frame), "still here") << "the oversize frame is never handed out";
  EXPECT_EQ(next.identity, client_->key());
}

TEST_F(ZmqTransport, EveryMessageCarriesItsSender) {
  TestClient other(*harness_, NewIdentities(1));
  harness_->gate.Allow(other.key());
  const LinkId mine = client_->Join();
  const LinkId theirs = other.Join();
  for (int i = 0; i < 20; ++i) {
    client_->Say(mine, Channel::control, FrameOf("mine"));
    other.Say(theirs, Channel::control, FrameOf("theirs"));
    for (int k = 0; k < 2; ++k) {
      const ServerMessage message = HearAtServer(*harness_, Channel::control);
      EXPECT_EQ(message.identity, TextOf(message.frame) == "mine" ? client_->key() : other.key());
    }
  }
}

TEST_F(ZmqTransport, ConnectionsAreNumberedAsTheyAreMadeWhoeverSpeaksFirst) {
  const LinkId first = client_->Join();
  const LinkId second = client_->Join();
  const LinkId third = client_->Join();
  std::map<std::string, std::uint64_t> connections;
  for (const auto& [link, text] :
       {std::pair(third, "third"), {first, "first"}, {second, "second"}, {third, "third"}}) {
    client_->Say(link, Channel::control, FrameOf(text));
    const ServerMessage message = HearAtServer(*harness_, Channel::control);
    ASSERT_EQ(TextOf(message.frame), text);
    const auto [known, fresh] = connections.emplace(text, message.connection);
    EXPECT_EQ(known->second, message.connection) << "the same link has one number";
  }
  EXPECT_LT(connections["first"], connections["second"]);
  EXPECT_LT(connections["second"], connections["third"]);
}

TEST_F(ZmqTransport, AMessageInTooManyPartsIsDroppedAndCounted) {
  zmq::socket_t hostile = RawDealer(EnrolledKeys());
  for (int i = 0; i < 100; ++i) {
    hostile.send(zmq::str_buffer("part"),
                 i < 99 ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
  EXPECT_TRUE(AwaitDropped(1));
  EXPECT_TRUE(harness_->polled[Channel::control].empty());
}

TEST_F(ZmqTransport, APeerThatChoseItsRoutingIdIsDroppedAndCounted) {
  zmq::socket_t hostile = RawDealer(EnrolledKeys(), "hospital-3");
  hostile.send(zmq::str_buffer("hello"), zmq::send_flags::none);
  EXPECT_TRUE(AwaitDropped(1));
  EXPECT_TRUE(harness_->polled[Channel::control].empty());
}

TEST_F(ZmqTransport, NobodyListeningIsLearntAtOnce) {
  auto target = harness_->target();
  FileDescriptor unused(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = LoopbackAt(0);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(unused.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(unused.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  target.bulk_endpoint = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const auto before = std::chrono::steady_clock::now();
  const LinkId link = client_->Open(0, target);
  EXPECT_EQ(client_->AwaitDown(link), Reason::connection_lost);
  EXPECT_LT(std::chrono::steady_clock::now() - before,
            std::chrono::milliseconds(limits::kHandshakeMsMax));
}

TEST_F(ZmqTransport, AServerThatAcceptsAndSaysNothingIsGivenUp) {
  int port = 0;
  const FileDescriptor silent = ListenOnFreePort(port);
  auto target = harness_->target();
  target.control_endpoint = "tcp://127.0.0.1:" + std::to_string(port);
  const LinkId link = client_->Open(0, target);
  EXPECT_TRUE(client_->AwaitDown(link).has_value());
  EXPECT_FALSE(client_->IsUp(link));
}

TEST_F(ZmqTransport, AGoodbyeLeavesBeforeItsLinkCloses) {
  for (int i = 0; i < 20; ++i) {
    const LinkId link = client_->Join();
    client_->Say(link, Channel::control, FrameOf("goodbye"));
    client_->Close(link);
    EXPECT_EQ(TextOf(HearAtServer(*harness_, Channel::control).frame), "goodbye");
  }
}

TEST_F(ZmqTransport, TheServersLastWordIsHeardBeforeTheLinkGoesDown) {
  const LinkId link = client_->Join();
  client_->Say(link, Channel::control, FrameOf("hello"));
  const LinkId server_link = HearAtServer(*harness_, Channel::control).link;
  harness_->server(Channel::control).Send(server_link, FrameOf("finished"));
  harness_->StopServer();
  EXPECT_EQ(TextOf(client_->Hear(link).frame), "finished");
  EXPECT_EQ(client_->AwaitDown(link), Reason::connection_lost);
  harness_->StartServer();
}

TEST_F(ZmqTransport, TwoHundredOpensLeaveNoDescriptorBehind) {
  ExpectUnharmed();
  const std::size_t before = OpenDescriptors();
  for (int i = 0; i < 200; ++i) {
    const LinkId link = i % 4 == 0 ? client_->Open() : client_->Join();
    client_->Close(link);
  }
  EXPECT_TRUE(Eventually([&] {
    PollServer();
    return OpenDescriptors() <= before;
  })) << OpenDescriptors()
      << " descriptors are open, " << before << " were";
}

TEST_F(ZmqTransport, AHundredAndFiftyLinksFitInOneClient) {
  TestClient many(*harness_, NewIdentities(150));
  std::vector<LinkId> links;
  for (std::size_t i = 0; i < 150; ++i) {
    harness_->gate.Allow(many.key(i));
    links.push_back(many.Open(i));
  }
  for (const LinkId link : links) EXPECT_TRUE(many.AwaitUp(link));
  for (const LinkId link : links) many.Say(link, Channel::control, FrameOf("ping"));
  for (std::size_t i = 0; i < links.size(); ++i) {
    const ServerMessage message = HearAtServer(*harness_, Channel::control);
    harness_->server(Channel::control).Send(message.link, FrameOf(message.identity.Z85()));
  }
  for (std::size_t i = 0; i < links.size(); ++i) {
    EXPECT_EQ(TextOf(many.Hear(links[i]).frame), many.key(i).Z85());
  }
}

}  // namespace
}  // namespace muster
