#include "coordinator/runtime/key_gate.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/coordinator_runtime/sample_jobs.h"

namespace muster::coordinator {
namespace {

using muster::testing::KeyNumber;

Reason ReasonOf(const Status& status) {
  EXPECT_FALSE(status.has_value());
  return status ? Reason::finished : status.error().reason;
}

TEST(RosterGateTest, NobodyMayConnectBeforeThereIsARoster) {
  RosterGate gate;
  EXPECT_EQ(ReasonOf(gate.Check(KeyNumber(1))), Reason::unknown_key);
}

TEST(RosterGateTest, RevokedAndUnknownKeysAreToldApart) {
  RosterGate gate;
  gate.SetRoster({{0, "a", KeyNumber(1), false}, {1, "b", KeyNumber(2), true}});
  EXPECT_TRUE(gate.Check(KeyNumber(1)).has_value());
  EXPECT_EQ(ReasonOf(gate.Check(KeyNumber(2))), Reason::revoked);
  EXPECT_EQ(ReasonOf(gate.Check(KeyNumber(3))), Reason::unknown_key);
}

TEST(RosterGateTest, AReplacedKeyIsUnknown) {
  RosterGate gate;
  gate.SetRoster({{0, "a", KeyNumber(1), false}});
  gate.SetRoster({{0, "a", KeyNumber(2), false}});
  EXPECT_EQ(ReasonOf(gate.Check(KeyNumber(1))), Reason::unknown_key);
  EXPECT_TRUE(gate.Check(KeyNumber(2)).has_value());
}

TEST(RosterGateTest, AKeyOfTwoNamesConnectsWhileOneOfThemMay) {
  RosterGate gate;
  gate.SetRoster({{0, "a", KeyNumber(1), false}, {1, "b", KeyNumber(1), true}});
  EXPECT_TRUE(gate.Check(KeyNumber(1)).has_value());
  gate.SetRoster({{0, "a", KeyNumber(1), true}, {1, "b", KeyNumber(1), false}});
  EXPECT_TRUE(gate.Check(KeyNumber(1)).has_value());
}

TEST(RosterGateTest, RefusalsBeyondThePendingOnesAreOnlyCounted) {
  RosterGate gate;
  std::uint64_t told = 0;
  gate.Observe([&told](const PublicKey&, Reason) { ++told; });
  for (std::uint64_t i = 0; i < RosterGate::kPendingRefusalsMax + 3; ++i) {
    gate.OnRefused(KeyNumber(9), Reason::unknown_key);
  }
  EXPECT_EQ(told, RosterGate::kPendingRefusalsMax);
  EXPECT_EQ(gate.uncounted().at(Reason::unknown_key), 3U);
  gate.RefusalHandled();
  gate.OnRefused(KeyNumber(9), Reason::unknown_key);
  EXPECT_EQ(told, RosterGate::kPendingRefusalsMax + 1);
}

TEST(RosterGateTest, ConnectionsThatFailAreToldAndCounted) {
  RosterGate gate;
  gate.OnConnectionsFailed(Reason::handshake_failed, 2, "before anybody listens");
  std::string told;
  gate.ObserveFailures([&told](Reason reason, std::uint64_t count, const std::string& text) {
    told = std::string(ReasonName(reason)) + " " + std::to_string(count) + " " + text;
  });
  gate.OnConnectionsFailed(Reason::handshake_failed, 3, "garbage");
  EXPECT_EQ(told, "handshake_failed 3 garbage");
  EXPECT_EQ(gate.uncounted().at(Reason::handshake_failed), 5U);
}

TEST(RosterGateTest, AskedWhileTheRosterChangesItAnswersByOneOrTheOther) {
  RosterGate gate;
  const std::vector<RosterEntry> with = {{0, "a", KeyNumber(1), false}};
  const std::vector<RosterEntry> without = {{0, "a", KeyNumber(1), true}};
  gate.SetRoster(with);
  std::thread changer([&] {
    for (int i = 0; i < 500; ++i) gate.SetRoster(i % 2 == 0 ? without : with);
  });
  for (int i = 0; i < 500; ++i) {
    const Status status = gate.Check(KeyNumber(1));
    EXPECT_TRUE(status || status.error().reason == Reason::revoked);
  }
  changer.join();
  EXPECT_TRUE(gate.Check(KeyNumber(1)).has_value());
}

}  // namespace
}  // namespace muster::coordinator
