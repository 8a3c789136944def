// The hash of a run covers what is said and done in it, not only when and by whom.
#include <gtest/gtest.h>

#include "simulator/federation/corruption.h"
#include "simulator/federation/forgery.h"
#include "simulator/swarm/seed_run.h"
#include "simulator/world/content.h"

namespace muster::simulator {
namespace {

std::uint64_t PacketContent(const Packet& packet) {
  RollingHash hash;
  Content(hash).Add(packet.fence, packet.message);
  return hash.value();
}

// Sentences are not covered, and of a job its digest stands for its name and bytes.
bool HasWords(const Message& message) {
  return std::holds_alternative<Refused>(message) || std::holds_alternative<Welcome>(message);
}

TEST(ContentTest, AFlippedBitOfAMessageGivesAnotherHash) {
  int garbled = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    KeyedStream stream(1, "content", {i});
    Packet packet;
    packet.message = ForgeMessage(i % kMessageKinds, stream, {.names = {"site-0", "site-1"}});
    if (HasWords(packet.message)) continue;
    const Packet sent = Recode(packet);
    if (sent.unreadable) continue;
    EXPECT_EQ(PacketContent(sent), PacketContent(Recode(packet)));
    const Packet changed = Corrupt(sent, /*to_client=*/false, i);
    if (!changed.garbled || HasWords(changed.message)) continue;
    ++garbled;
    EXPECT_NE(PacketContent(changed), PacketContent(sent))
        << MessageName(sent.message) << ", " << i;
  }
  EXPECT_GT(garbled, 1'000);
}

TEST(ContentTest, ABatchWithAnotherFieldGivesAnotherHash) {
  const Batch batch{{PutFinish{{Reason::finished, 3}}, PutRosterEntry{{.index = 1, .name = "a"}}}};
  Batch other = batch;
  EXPECT_EQ(ContentOf(other), ContentOf(batch));
  std::get<PutFinish>(other.mutations[0]).record.version = 4;
  EXPECT_NE(ContentOf(other), ContentOf(batch));
  other = batch;
  std::get<PutRosterEntry>(other.mutations[1]).entry.revoked = true;
  EXPECT_NE(ContentOf(other), ContentOf(batch));
  other = batch;
  other.sync = false;
  EXPECT_NE(ContentOf(other), ContentOf(batch));
}

// What happens when is the same in both: nothing goes wrong, and bytes are no events.
TEST(ContentTest, RunsOfAnotherJobHaveAnotherHash) {
  const SwarmOptions options;
  const SeedOutcome outcome = RunSeed({options, std::nullopt, "", false});
  EXPECT_EQ(outcome.ending, Ending::clean) << outcome.what;
  EXPECT_EQ(RunSeed({options, std::nullopt, "", false}), outcome);
  for (const auto member :
       {&SwarmOptions::momentum, &SwarmOptions::weights, &SwarmOptions::parameters}) {
    SwarmOptions other = options;
    ++(other.*member);
    const SeedOutcome changed = RunSeed({other, std::nullopt, "", false});
    EXPECT_EQ(changed.events, outcome.events);
    EXPECT_NE(changed.hash, outcome.hash);
  }
}

}  // namespace
}  // namespace muster::simulator
