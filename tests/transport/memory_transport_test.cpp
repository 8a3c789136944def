// What a test can do to the memory transport that a network does to the real one.
#include "transport/memory_transport.h"

#include <gtest/gtest.h>

#include "tests/transport/harness.h"

namespace muster {
namespace {

constexpr std::chrono::milliseconds kNow{0};

class MemoryTransport : public testing::Test {
 protected:
  MemoryTransport() { gate_.Allow(kClientKey); }

  /// One Poll, as "up", "down connection_lost", "control:text" or "bulk:text".
  std::vector<std::string> Events() {
    std::vector<ClientEvent> events;
    client_->Poll(kNow, events);
    std::vector<std::string> texts;
    for (const ClientEvent& event : events) {
      if (std::holds_alternative<LinkUp>(event.what)) {
        texts.emplace_back("up");
      } else if (const auto* down = std::get_if<LinkDown>(&event.what)) {
        texts.push_back("down " + std::string(ReasonName(down->reason)));
      } else {
        const auto& message = std::get<ClientMessage>(event.what);
        const bool control = message.channel == Channel::control;
        texts.push_back((control ? "control:" : "bulk:") + TextOf(message.frame));
      }
    }
    return texts;
  }
  std::vector<ServerMessage> Arrivals() {
    std::vector<ServerMessage> messages;
    control_->Poll(kNow, messages);
    return messages;
  }
  LinkId Open() { return *client_->Open(0, hub_.TargetOf(kServerKey)); }

  using Texts = std::vector<std::string>;
  const PublicKey kClientKey = NewKeys().public_key;
  const PublicKey kServerKey = NewKeys().public_key;
  TestGate gate_;
  MemoryHub hub_{gate_};
  std::unique_ptr<ServerSocket> control_ = hub_.Bind(Channel::control, kServerKey);
  std::unique_ptr<ServerSocket> bulk_ = hub_.Bind(Channel::bulk, kServerKey);
  std::unique_ptr<ClientTransport> client_ = hub_.MakeClient({kClientKey});
};

TEST_F(MemoryTransport, EverythingHappensInTheCallingThread) {
  const LinkId link = Open();
  EXPECT_EQ(Events(), Texts{"up"});
  EXPECT_EQ(client_->Send(link, Channel::control, FrameOf("a")), SendResult::sent);
  const auto arrivals = Arrivals();
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(control_->Send(arrivals[0].link, FrameOf("b")), SendResult::sent);
  EXPECT_EQ(Events(), Texts{"control:b"});
  EXPECT_EQ(Events(), Texts{});
}

TEST_F(MemoryTransport, ACutLosesWhatIsUnderWayBothWays) {
  const LinkId link = Open();
  client_->Send(link, Channel::control, FrameOf("a"));
  const LinkId server_link = Arrivals().at(0).link;
  control_->Send(server_link, FrameOf("lost"));
  client_->Send(link, Channel::control, FrameOf("lost"));
  hub_.Cut(link);
  EXPECT_EQ(Events(), Texts{"down connection_lost"});
  EXPECT_TRUE(Arrivals().empty());
  EXPECT_EQ(control_->Send(server_link, FrameOf("x")), SendResult::gone);
  EXPECT_EQ(client_->Send(link, Channel::control, FrameOf("x")), SendResult::gone);
  hub_.Cut(link);
  EXPECT_EQ(Events(), Texts{}) << "a link goes down once";
}

TEST_F(MemoryTransport, WhatWasSaidBeforeACloseArrives) {
  const LinkId link = Open();
  client_->Send(link, Channel::control, FrameOf("goodbye"));
  client_->Close(link);
  const auto arrivals = Arrivals();
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(TextOf(arrivals[0].frame), "goodbye");
  EXPECT_EQ(control_->Send(arrivals[0].link, FrameOf("x")), SendResult::gone);
}

TEST_F(MemoryTransport, AFilterLosesMessagesUnnoticed) {
  const LinkId link = Open();
  hub_.SetFilter([](Channel, MemoryHub::Direction direction, const Frame& frame) {
    return direction == MemoryHub::Direction::to_client || TextOf(frame) != "lose";
  });
  EXPECT_EQ(client_->Send(link, Channel::control, FrameOf("lose")), SendResult::sent);
  EXPECT_EQ(client_->Send(link, Channel::control, FrameOf("keep")), SendResult::sent);
  const auto arrivals = Arrivals();
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(TextOf(arrivals[0].frame), "keep");
}

TEST_F(MemoryTransport, CutAllEndsEveryLink) {
  Open();
  Open();
  hub_.CutAll();
  EXPECT_EQ(Events(), (Texts{"down connection_lost", "down connection_lost"}));
}

TEST_F(MemoryTransport, ABadEndpointIsAnError) {
  auto target = hub_.TargetOf(kServerKey);
  target.bulk_endpoint = "tcp://127.0.0.1:1";
  const auto link = client_->Open(0, target);
  ASSERT_FALSE(link.has_value());
  EXPECT_EQ(link.error().reason, Reason::transport_failed);
}

}  // namespace
}  // namespace muster
