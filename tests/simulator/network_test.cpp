// What the simulated network does to messages, and what a federation makes of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/limits.h"
#include "simulator/federation/corruption.h"
#include "simulator/federation/synthetic_setup.h"
#include "simulator/store/model_volume.h"
#include "tests/simulator/seed_count.h"

namespace muster::simulator {
namespace {

/// With fewer seeds something may happen not to occur.
constexpr std::uint64_t kSeedsLeast = 40;
const std::uint64_t kSeeds = SeedCount("MUSTER_FEDERATION_SEEDS", kSeedsLeast, kSeedsLeast);
constexpr std::uint32_t kParticipants = 4;
constexpr Round kRounds = 5;
constexpr Micros kPatience = 3'600'000 * kMillisecond;

// --- The network alone ---------------------------------------------------------------------------

/// One client and a server that notes what comes.
class NetworkAlone : public ::testing::Test {
 protected:
  void Begin(const Chances& chances) {
    world_ = std::make_unique<World>(7, Faults{.chances = chances});
    network_ = std::make_unique<Network>(*world_);
    network_->Listen(
        [this](LinkId link, const Packet& packet) {
          links_.push_back(link);
          if (const auto* request = std::get_if<ModelRequest>(&packet.message)) {
            bulk_.push_back(request->offset);
          } else if (const auto* credit = std::get_if<UploadCredit>(&packet.message)) {
            control_.push_back(credit->offset);
          }
        },
        [](const PublicKey&) { return std::nullopt; });
    connection_ = OpenLink();
    Wait(kMillisecond * 1'000);
  }

  LinkId OpenLink() {
    ClientEnd end;
    end.on_up = [this] { ++ups_; };
    end.on_down = [this](Reason reason) { downs_.push_back(reason); };
    end.on_packet = [this](const Packet&) { ++heard_; };
    return network_->Open(1, PublicKey{}, std::move(end));
  }

  void Wait(Micros duration) {
    const Micros until = world_->now() + duration;
    bool over = false;
    world_->At(until, kCoordinator, [&over] { over = true; });
    world_->RunUntil([&over] { return over; }, until);
  }

  void SendBulk(std::uint64_t number) {
    network_->SendToServer(connection_, Channel::bulk, {{}, ModelRequest{1, number, 4}});
  }
  void SendControl(std::uint64_t number) {
    network_->SendToServer(connection_, Channel::control, {{}, UploadCredit{{}, number}});
  }

  std::unique_ptr<World> world_;
  std::unique_ptr<Network> network_;
  LinkId connection_ = 0;
  int ups_ = 0, heard_ = 0;
  std::vector<Reason> downs_;
  std::vector<LinkId> links_;
  std::vector<std::uint64_t> control_, bulk_;
};

TEST_F(NetworkAlone, WhatIsHeldUpIsOvertakenByOtherChannelsAndNeverByItsOwn) {
  Begin({{FaultKind::delay, 0.2}});
  std::vector<std::uint64_t> order;
  for (std::uint64_t i = 0; i < 200; ++i) {
    SendControl(i);
    SendBulk(i);
    order.push_back(i);
    Wait(kMillisecond * 100);
  }
  Wait(kMillisecond * 60'000);
  EXPECT_EQ(control_, order);
  EXPECT_EQ(bulk_, order);
  // Both were sent in turn; of 200 turns some came the other way round.
  bool overtaken = false;
  for (std::size_t i = 0; i + 1 < links_.size(); i += 2) {
    overtaken |= links_[i] == links_[i + 1];
  }
  EXPECT_TRUE(overtaken);
  EXPECT_GT(world_->happened().delays, 0U);
}

TEST_F(NetworkAlone, PartitionsHoldBackAndEnd) {
  Begin({{FaultKind::partition, 0.2}});
  for (std::uint64_t i = 0; i < 2'000 && downs_.empty(); ++i) {
    SendControl(i);
    Wait(kMillisecond * 100);
  }
  EXPECT_GT(world_->happened().partitions, 0U);
  // The heartbeat ends the link of a long one; until then all came, in order.
  ASSERT_FALSE(downs_.empty());
  ASSERT_FALSE(control_.empty());
  for (std::size_t i = 0; i < control_.size(); ++i) EXPECT_EQ(control_[i], i);
}

TEST_F(NetworkAlone, ASeveredLinkBreaksInOneDirectionOfOneChannel) {
  Begin({{FaultKind::sever, 1}});
  SendControl(0);  // The first occasion: every lane may be the one.
  EXPECT_EQ(world_->happened().severed, 1U);
  Wait(limits::kHeartbeatTimeoutMs * kMillisecond + kMillisecond * 5'000);
  EXPECT_EQ(downs_.size(), 1U) << "the heartbeat finds out";
}

TEST_F(NetworkAlone, AFullQueueGivesTheLinkUp) {
  Begin({});
  SendControl(0);
  Wait(kMillisecond * 1'000);
  ASSERT_EQ(links_.size(), 1U);
  const LinkId link = links_.front();
  for (int i = 0; i < limits::kSocketHighWaterMessages; ++i) {
    EXPECT_TRUE(network_->SendToClient(link, {{}, LeaseAck{}}));
  }
  EXPECT_FALSE(network_->SendToClient(link, {{}, LeaseAck{}}));
  EXPECT_EQ(world_->happened().overflows, 1U);
  SendControl(1);
  Wait(kMillisecond * 1'000);
  EXPECT_NE(links_.back(), link) << "the server forgot it";
  EXPECT_EQ(heard_, limits::kSocketHighWaterMessages);
}

TEST_F(NetworkAlone, AKeyHoldsOnlySoManyLinks) {
  Begin({});
  for (std::size_t i = 0; i <= limits::kLinksPerIdentityMax; ++i) {
    connection_ = OpenLink();
    Wait(kMillisecond * 1'000);
    SendControl(i);
    Wait(kMillisecond * 1'000);
  }
  EXPECT_FALSE(network_->SendToClient(links_.front(), {{}, LeaseAck{}}));
  EXPECT_TRUE(network_->SendToClient(links_.back(), {{}, LeaseAck{}}));
}

TEST_F(NetworkAlone, ThroughTheGateOrBeforeItLearned) {
  Begin({});
  network_->Listen([](LinkId, const Packet&) {},
                   [](const PublicKey&) { return Reason::unknown_key; });
  Wait(kMillisecond * 10'000);
  downs_.clear();
  ups_ = 0;
  OpenLink();
  Wait(kMillisecond * 1'000);
  EXPECT_EQ(downs_, std::vector<Reason>{Reason::unknown_key});
  ClientEnd end;
  end.on_up = [this] { ++ups_; };
  network_->Open(1, PublicKey{}, std::move(end), Door::passed);
  Wait(kMillisecond * 1'000);
  EXPECT_EQ(ups_, 1);
}

TEST(CorruptionTest, FlippedBitsAreNoticedOrSayWhatTheySay) {
  Packet offer{{1, {3, 4}}, Offer{{1, 2, 3, 0}, {}, 400, 5, 1}};
  std::uint64_t unreadable = 0, garbled = 0;
  for (std::uint64_t value = 0; value < 2'000; ++value) {
    const Packet read = Corrupt(offer, /*to_client=*/false, value);
    unreadable += read.unreadable.has_value();
    garbled += read.garbled;
    EXPECT_FALSE(read.unreadable && read.garbled);
  }
  EXPECT_GT(unreadable, 0U);
  EXPECT_GT(garbled, 0U);
  const auto bytes = std::make_shared<const Bytes>(64);
  Packet chunk{{1, {3, 4}}, UpdateChunk{{1, 2, 3, 0}, 0, 64, 7}, bytes};
  std::uint64_t flipped = 0;
  for (std::uint64_t value = 0; value < 200; ++value) {
    flipped += *Corrupt(chunk, false, value).payload != *bytes;
  }
  EXPECT_GT(flipped, 0U);
  EXPECT_EQ(Recode(chunk).unreadable, std::nullopt);
}

TEST(CorruptionTest, ACoordinatorNeverTellsAFlippedVersion) {
  const Packet committed{{1, {3, 4}}, Committed{{1, 2, 3, 0}, 9}};
  for (std::uint64_t value = 0; value < 2'000; ++value) {
    const Packet read = Corrupt(committed, /*to_client=*/true, value);
    const auto* as_read = std::get_if<Committed>(&read.message);
    EXPECT_TRUE(read.unreadable || as_read == nullptr || as_read->version == 9);
  }
}

// --- A federation on it --------------------------------------------------------------------------

class NetworkTest : public ::testing::Test {
 protected:
  /// Counts of the coordinator's last process.
  struct Counters : Watcher {
    void OnStepped(const coordinator::CoordinatorCore& core, MonotonicMs now) override {
      if (++steps % 64 == 0) seen = core.Status(now).counters;
    }
    std::uint64_t steps = 0;
    std::map<std::string, std::uint64_t> seen;
  };

  static CoordinatorSetup SetupOf() {
    CoordinatorSetup setup = SyntheticSetup(kParticipants, 5'000, kRounds);
    setup.job.seed = 3;
    setup.job.strategy.server_momentum = 0.5;
    setup.options.deadline_ms = 30'000;
    setup.options.lease_ms = 2'000;
    return setup;
  }

  RunResult Play(std::uint64_t seed, const Faults& faults) {
    return Play(World(seed, faults), seed);
  }
  RunResult Play(World world, std::uint64_t seed) {
    Federation federation(std::move(world), std::make_shared<ModelVolume>(seed), SetupOf());
    Counters counters;
    federation.observer().Add(counters);
    RunResult result = federation.Run(kPatience);
    hash_ = federation.world().hash();
    happened_ = federation.world().schedule().happened();
    for (const auto& [name, count] : counters.seen) counters_[name] += count;
    for (const std::string& violation : result.violations) {
      ADD_FAILURE() << "seed " << seed << ": " << violation;
    }
    EXPECT_TRUE(result.finished) << "seed " << seed << " stands still: " << result.waiting;
    return result;
  }

  /// All seeds; each ends with the digest of the undisturbed run.
  std::vector<RunResult> ExpectSameDigest(const Faults& faults) {
    const Sha256Digest quiet = Play(0, {}).digest;
    std::vector<RunResult> runs;
    for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
      runs.push_back(Play(seed, faults));
      EXPECT_EQ(runs.back().digest, quiet) << "seed " << seed;
    }
    return runs;
  }

  static std::uint64_t Sum(const std::vector<RunResult>& runs, std::uint64_t Happened::*count) {
    std::uint64_t sum = 0;
    for (const RunResult& run : runs) sum += run.happened.*count;
    return sum;
  }

  std::uint64_t hash_ = 0;
  std::vector<Fault> happened_;
  std::map<std::string, std::uint64_t> counters_;
};

TEST_F(NetworkTest, HeldUpAndSeveredMessagesChangeNoBit) {
  const auto runs = ExpectSameDigest(
      {.chances = {
           {FaultKind::delay, 0.02}, {FaultKind::sever, 0.003}, {FaultKind::duplicate, 0.02}}});
  EXPECT_GT(Sum(runs, &Happened::delays), 0U);
  EXPECT_GT(Sum(runs, &Happened::severed), 0U);
}

TEST_F(NetworkTest, EchoesOfEarlierLivesAreRefused) {
  const auto runs = ExpectSameDigest(
      {.chances = {{FaultKind::echo, 0.3}, {FaultKind::crash, 0.01}}, .deaths_max = 4});
  EXPECT_GT(Sum(runs, &Happened::echoes), 0U);
  EXPECT_GT(Sum(runs, &Happened::echoes_in_later_lives), 0U);
  EXPECT_GT(counters_["refused.stale_epoch"], 0U);
}

TEST_F(NetworkTest, PartitionsAndCloggedLinksChangeNoBit) {
  const auto runs = ExpectSameDigest(
      {.chances = {
           {FaultKind::partition, 0.02}, {FaultKind::split, 0.01}, {FaultKind::clog, 0.03}}});
  EXPECT_GT(Sum(runs, &Happened::partitions), 0U);
  EXPECT_GT(Sum(runs, &Happened::clogs), 0U);
}

TEST_F(NetworkTest, CorruptedMessagesAreRefusedByReasonAndStopNobody) {
  const Sha256Digest quiet = Play(0, {}).digest;
  std::uint64_t corruptions = 0, garbled = 0, as_quiet = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    const RunResult run = Play(seed, {.chances = {{FaultKind::corrupt, 0.02}}});
    corruptions += run.happened.corruptions;
    garbled += run.happened.garbled;
    as_quiet += run.digest == quiet;
    // Only what is read wrong can lie, of a weight say; all else is sent again.
    EXPECT_TRUE(run.happened.garbled > 0 || run.digest == quiet) << "seed " << seed;
  }
  EXPECT_GT(corruptions, garbled);
  EXPECT_GT(garbled, 0U);
  EXPECT_GT(as_quiet, kSeeds / 2);
  EXPECT_GT(counters_["refused.malformed_message"], 0U);
  EXPECT_GT(counters_["refused.checksum_mismatch"], 0U);
}

TEST_F(NetworkTest, OneSeedAndItsListGiveOneRun) {
  const Faults faults{.chances = {{FaultKind::duplicate, 0.02},
                                  {FaultKind::lose, 0.005},
                                  {FaultKind::cut, 0.005},
                                  {FaultKind::delay, 0.02},
                                  {FaultKind::echo, 0.02},
                                  {FaultKind::corrupt, 0.005},
                                  {FaultKind::sever, 0.002},
                                  {FaultKind::partition, 0.02},
                                  {FaultKind::clog, 0.02},
                                  {FaultKind::split, 0.01},
                                  {FaultKind::crash, 0.005}},
                      .deaths_max = 3};
  for (std::uint64_t seed = 1; seed <= 5 && !HasFailure(); ++seed) {
    Play(seed, faults);
    const std::uint64_t hash = hash_;
    const std::vector<Fault> list = happened_;
    Play(seed, faults);
    EXPECT_EQ(hash_, hash) << "seed " << seed;
    Play(World(seed, {.deaths_max = 3}, Schedule(list)), seed);
    EXPECT_EQ(hash_, hash) << "seed " << seed << " by its list";
  }
}

}  // namespace
}  // namespace muster::simulator
