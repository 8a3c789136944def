// The runtime against a scripted coordinator: real files, real threads, the in-memory transport.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "common/digest.h"
#include "common/file.h"
#include "participant/runtime/host_loop.h"
#include "participant/runtime/state_file.h"
#include "tests/participant/fake_coordinator.h"
#include "tests/support/temp_dir.h"

namespace muster::participant {
namespace {

JobSpec SyntheticJob(std::uint32_t duration_ms) {
  JobSpec job;
  job.model.kind = ModelKind::synthetic;
  job.model.hidden.clear();
  job.model.parameters = 200'000;  // Four chunks.
  job.data.source = DataSource::none;
  job.train.duration_ms = duration_ms;
  return job;
}

PublicKey KeyNumber(int number) {
  PublicKey key;
  key.bytes.fill(static_cast<std::byte>(number));
  return key;
}

class HostTest : public ::testing::Test {
 protected:
  ~HostTest() override {
    Stop();
    Stop();
    Join();
    close(signal_);
  }

  void Begin(std::uint32_t duration_ms = 0) {
    coordinator_ =
        std::make_unique<FakeCoordinator>(hub_, SyntheticJob(duration_ms), KeyNumber(99));
  }
  /// Starts a host of `count` participants p0, p1, ... in a thread of its own.
  void Launch(int count = 1, std::uint32_t threads = 1) {
    HostOptions options;
    std::vector<PublicKey> identities;
    for (int i = 0; i < count; ++i) {
      const std::string name = "p" + std::to_string(i);
      options.participants.push_back({name, dir_ / name});
      identities.push_back(KeyNumber(i + 1));
    }
    options.threads = threads;
    options.target = hub_.TargetOf(KeyNumber(99));
    client_ = hub_.MakeClient(identities);
    ended_ = false;
    thread_ = std::thread([this, options] {
      outcomes_ = RunHost(options, *client_, signal_);
      ended_ = true;
    });
  }
  void Stop() { eventfd_write(signal_, 1); }
  void Join() {
    if (thread_.joinable()) thread_.join();
    eventfd_t ignored;
    eventfd_read(signal_, &ignored);
  }
  bool ServeUntilEnded() {
    if (!coordinator_->ServeUntil([this] { return ended_.load(); })) return false;
    coordinator_->ServeRest();  // Its last words may have come after the last look.
    return true;
  }
  void ExpectOutcome(Reason reason) {
    Join();
    ASSERT_TRUE(outcomes_) << outcomes_.error().Text();
    for (const RunOutcome& outcome : *outcomes_) {
      EXPECT_EQ(ReasonName(outcome.reason), ReasonName(reason)) << outcome.text;
    }
  }
  std::string File(const std::string& participant, const std::string& name) {
    return dir_ / participant + "/" + name;
  }
  std::vector<std::string> JournalOf(const std::string& participant) {
    return ReadLines(File(participant, "journal.jsonl"), 1 << 20)
        .value_or(std::vector<std::string>{});
  }
  static std::size_t Count(const std::vector<std::string>& lines, const std::string& part) {
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(),
        [&](const std::string& line) { return line.find(part) != std::string::npos; }));
  }
  /// Finishes the job for a peer once `rounds` updates of it were accepted; orders the next round
  /// otherwise.
  void RunRounds(int rounds) {
    coordinator_->on_session = [this](FakeCoordinator::Peer& peer) {
      coordinator_->Order(peer, static_cast<Round>(peer.accepted) + 1, 0);
    };
    coordinator_->on_upload = [this, rounds](FakeCoordinator::Peer& peer,
                                             const FakeCoordinator::Upload& upload) {
      coordinator_->Accept(peer, upload);
      if (peer.accepted < rounds) {
        coordinator_->Order(peer, static_cast<Round>(peer.accepted) + 1, 0);
      } else {
        coordinator_->Say(peer, JobFinished{});
      }
    };
  }

  TempDir dir_;
  OpenDoor door_;
  MemoryHub hub_{door_};
  std::unique_ptr<FakeCoordinator> coordinator_;
  std::unique_ptr<ClientTransport> client_;
  int signal_ = eventfd(0, EFD_NONBLOCK);
  std::thread thread_;
  std::atomic<bool> ended_ = true;
  Result<std::vector<RunOutcome>> outcomes_ = std::vector<RunOutcome>{};
};

TEST_F(HostTest, TrainsRoundAfterRoundAndEndsWithTheJob) {
  Begin();
  RunRounds(3);
  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::finished);
  EXPECT_EQ(coordinator_->peer("p0").accepted, 3);
  EXPECT_EQ(coordinator_->peer("p0").left, Reason::finished);
  EXPECT_EQ(Count(JournalOf("p0"), "\"start\""), 3U);
  EXPECT_EQ(Count(JournalOf("p0"), "\"done\""), 3U);
  EXPECT_FALSE(std::filesystem::exists(File("p0", "update.bin")));
}

TEST_F(HostTest, ManyParticipantsShareAProcessAndItsThreads) {
  Begin();
  RunRounds(2);
  Launch(7, 2);
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::finished);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(coordinator_->peer("p" + std::to_string(i)).accepted, 2);
}

TEST_F(HostTest, TheModelIsDownloadedOnceForAllRoundsOnIt) {
  Begin();
  RunRounds(3);
  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  EXPECT_EQ(coordinator_->chunks_sent, 4U);
}

TEST_F(HostTest, AChunkWithAWrongByteIsAskedForAgain) {
  Begin();
  RunRounds(1);
  bool spoiled = false;
  coordinator_->spoil_chunk = [&](ModelChunk& chunk, Bytes& bytes) {
    if (spoiled || chunk.offset == 0) return;
    spoiled = true;
    bytes[17] ^= std::byte{4};
  };
  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::finished);
  EXPECT_GT(coordinator_->chunks_sent, 4U);
}

TEST_F(HostTest, AModelOfAnotherDigestIsNeverTrainedOn) {
  Begin();
  RunRounds(1);
  int spoiled = 0;
  coordinator_->spoil_chunk = [&](ModelChunk& chunk, Bytes& bytes) {
    if (chunk.offset != 0 || ++spoiled > 3) return;
    bytes[17] ^= std::byte{4};
    chunk.checksum = Xxh64Of(bytes);  // The chunk is as it says; the whole is not.
  };
  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::finished);
  EXPECT_EQ(Count(JournalOf("p0"), "\"start\""), 1U);
  EXPECT_GE(coordinator_->peer("p0").hellos, 2);  // The second wrong digest gave the link up.
}

TEST_F(HostTest, AnAcceptedUpdateIsNotTrainedAgainAfterARestart) {
  Begin();
  bool accepted = false;
  coordinator_->on_session = [this](FakeCoordinator::Peer& peer) {
    coordinator_->Order(peer, 1, 0);
  };
  coordinator_->on_upload = [&](FakeCoordinator::Peer& peer,
                                const FakeCoordinator::Upload& upload) {
    coordinator_->Say(peer, Accepted{upload.offer.id, upload.offer.digest});
    accepted = true;
  };
  Launch();
  ASSERT_TRUE(coordinator_->ServeUntil(accepted));
  Stop();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::left);

  coordinator_->Restart();
  coordinator_->fate = Welcome::RetainedFate::none;  // The coordinator lost it: it is asked for.
  RunRounds(1);
  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::finished);
  EXPECT_EQ(Count(JournalOf("p0"), "\"start\""), 1U);
  EXPECT_EQ(coordinator_->peer("p0").accepted, 1);
}

TEST_F(HostTest, APreemptedFitGoesOnAtItsBatch) {
  Begin(400);
  RunRounds(1);
  Launch();
  ASSERT_TRUE(
      coordinator_->ServeUntil([this] { return Count(JournalOf("p0"), "\"batch\"") >= 5; }));
  Stop();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::left);
  EXPECT_TRUE(std::filesystem::exists(File("p0", "position.bin")));
  EXPECT_EQ(coordinator_->peer("p0").left, Reason::left);
  const std::vector<std::string> before = JournalOf("p0");
  const std::size_t trained = Count(before, "\"event\":\"batch\"");

  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::finished);
  const std::vector<std::string> after = JournalOf("p0");
  EXPECT_EQ(after[before.size()], "{\"fit\":\"l1.r1.s0.t0\",\"event\":\"start\",\"batch\":" +
                                      std::to_string(trained) + "}");
  for (std::size_t batch = 1; batch <= trained + 1; ++batch) {
    EXPECT_EQ(Count(after, "\"event\":\"batch\",\"batch\":" + std::to_string(batch) + "}"), 1U);
  }
  EXPECT_FALSE(std::filesystem::exists(File("p0", "position.bin")));
}

TEST_F(HostTest, APreemptedFitGivesTheBitsOfAnUndisturbedOne) {
  Begin(400);
  RunRounds(1);
  std::vector<Xxh128Digest> digests;
  coordinator_->on_offer = [&](FakeCoordinator::Peer& peer, const Offer& offer) {
    digests.push_back(offer.digest);
    coordinator_->Grant(peer, offer);
  };
  Launch();
  ASSERT_TRUE(
      coordinator_->ServeUntil([this] { return Count(JournalOf("p0"), "\"batch\"") >= 3; }));
  Stop();
  ASSERT_TRUE(ServeUntilEnded());
  Join();
  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  Join();
  std::filesystem::remove_all(dir_ / "p0");
  coordinator_->peer("p0").accepted = 0;
  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  ASSERT_EQ(digests.size(), 2U);
  EXPECT_EQ(Hex(digests[0]), Hex(digests[1]));
}

TEST_F(HostTest, ABrokenLinkIsOpenedAgainAndTheJobGoesOn) {
  Begin();
  RunRounds(4);
  int offers = 0;
  coordinator_->on_offer = [&](FakeCoordinator::Peer& peer, const Offer& offer) {
    // Every other offer meets a link that breaks.
    if (++offers % 2 == 1) {
      hub_.CutAll();
    } else {
      coordinator_->Grant(peer, offer);
    }
  };
  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::finished);
  EXPECT_EQ(coordinator_->peer("p0").accepted, 4);
  EXPECT_EQ(Count(JournalOf("p0"), "\"start\""), 4U);
}

TEST_F(HostTest, ACoordinatorOfANewEpochIsFollowed) {
  Begin();
  RunRounds(2);
  bool restarted = false;
  coordinator_->on_offer = [&](FakeCoordinator::Peer& peer, const Offer& offer) {
    if (!std::exchange(restarted, true)) {
      coordinator_->Restart();
      hub_.CutAll();
      return;
    }
    coordinator_->Grant(peer, offer);
  };
  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::finished);
  const auto state = ReadStateFile(File("p0", "state.bin"));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->seen->epoch.number, 2U);
}

TEST_F(HostTest, AQueuedFitIsLeftAtOnce) {
  Begin(60'000);  // A fit of a minute holds the only thread.
  RunRounds(1);
  Launch(2, 1);
  ASSERT_TRUE(coordinator_->ServeUntil([this] {
    return coordinator_->peer("p0").bulk != 0 && coordinator_->peer("p1").bulk != 0 &&
           Count(JournalOf("p0"), "start") + Count(JournalOf("p1"), "start") == 1;
  }));
  Stop();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::left);
}

TEST_F(HostTest, ADuplicateProcessOfOneStateIsRefused) {
  const auto lock = [&] {
    EXPECT_TRUE(MakeDirectories(dir_ / "p0", 0700));
    return FileLock::Acquire(File("p0", "lock"));
  }();
  ASSERT_TRUE(lock);
  Begin();
  Launch();
  Join();
  ASSERT_FALSE(outcomes_);
  EXPECT_EQ(outcomes_.error().reason, Reason::state_in_use);
}

TEST_F(HostTest, ADamagedStateIsRefusedByNameAndFile) {
  ASSERT_TRUE(MakeDirectories(dir_ / "p0", 0700));
  std::ofstream(File("p0", "state.bin")) << "not a state";
  Begin();
  Launch();
  Join();
  ASSERT_FALSE(outcomes_);
  EXPECT_EQ(outcomes_.error().reason, Reason::damage);
  EXPECT_NE(outcomes_.error().message.find("state.bin"), std::string::npos);
}

TEST_F(HostTest, AnUpdateWhoseBytesAreGoneIsTrainedAgain) {
  Begin();
  bool offered = false;
  coordinator_->on_session = [this](FakeCoordinator::Peer& peer) {
    coordinator_->Order(peer, 1, 0);
  };
  coordinator_->on_offer = [&](FakeCoordinator::Peer&, const Offer&) { offered = true; };
  Launch();
  ASSERT_TRUE(coordinator_->ServeUntil(offered));
  Stop();
  ASSERT_TRUE(ServeUntilEnded());
  Join();
  ASSERT_TRUE(std::filesystem::remove(File("p0", "update.bin")));
  coordinator_->on_offer = [this](FakeCoordinator::Peer& peer, const Offer& offer) {
    coordinator_->Grant(peer, offer);
  };
  RunRounds(1);
  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::finished);
  EXPECT_EQ(Count(JournalOf("p0"), "\"start\""), 2U);
}

TEST_F(HostTest, AModelOfAnotherSizeEndsTheParticipantWithTheReason) {
  Begin();
  coordinator_->on_session = [this](FakeCoordinator::Peer& peer) {
    TaskOrder order;
    order.id = {1, 1, 0, 0};
    order.model_bytes = 640;
    order.deadline_ms = 1'000;
    coordinator_->Say(peer, order);
  };
  Launch();
  ASSERT_TRUE(ServeUntilEnded());
  ExpectOutcome(Reason::size_mismatch);
}

TEST_F(HostTest, TwoParticipantsOfOneNameAreRefused) {
  Begin();
  HostOptions options;
  options.participants = {{"p0", dir_ / "a"}, {"p0", dir_ / "b"}};
  client_ = hub_.MakeClient({KeyNumber(1), KeyNumber(2)});
  const auto outcome = RunHost(options, *client_, -1);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, Reason::config_invalid);
}

}  // namespace
}  // namespace muster::participant
