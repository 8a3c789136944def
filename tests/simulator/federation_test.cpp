// A whole federation in one thread and virtual time, under many seeds: whatever order messages
// come in, whatever is lost, doubled, cut off or killed, the model's digest is the same.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/limits.h"
#include "simulator/federation/federation.h"
#include "tests/checkpoint/keys.h"
#include "tests/simulator/seed_count.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {
namespace {

constexpr std::uint32_t kParticipants = 4;
constexpr Round kRounds = 4;
constexpr std::uint64_t kParameters = 70'000;  ///< Two chunks of a transfer.
constexpr Micros kPatience = 3'600'000 * kMillisecond;
constexpr std::uint64_t kJobSeeds = 3;

/// With fewer seeds a fault may happen not to occur.
constexpr std::uint64_t kSeedsForEveryFault = 60;
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MUSTER_SLOW_BUILD
#endif
#endif

#ifdef MUSTER_SLOW_BUILD
constexpr std::uint64_t kSeedsByDefault = kSeedsForEveryFault / 5;
#else
constexpr std::uint64_t kSeedsByDefault = kSeedsForEveryFault;
#endif
const std::uint64_t kSeeds = SeedCount("MUSTER_FEDERATION_SEEDS", kSeedsByDefault);

JobSpec JobOf(std::uint64_t seed, std::uint32_t goal) {
  JobSpec job;
  job.seed = 1 + seed % kJobSeeds;
  job.model.kind = ModelKind::synthetic;
  job.model.hidden = {};
  job.model.parameters = kParameters;
  job.data.source = DataSource::none;
  job.data.parts = kParticipants;
  job.round.goal = goal;
  job.round.quorum = goal;
  job.strategy.server_momentum = 0.5;  // Server state: the order of rounds matters.
  return job;
}

RunResult Play(const JobSpec& job, std::uint64_t seed, const Faults& faults,
               std::int64_t deadline_ms) {
  static const TempDir state_dir;  // One run after another: the lock file alone lies there.
  coordinator::CoordinatorOptions options;
  options.rounds = kRounds;
  options.deadline_ms = deadline_ms;
  options.lease_ms = 2'000;
  CoordinatorSetup setup{job, options, MakeRoster(kParticipants), state_dir.path()};
  // Every third run, and not the undisturbed ones: encryption changes no bit either.
  if (seed % 3 == 1) setup.state_key = TestKey(1);
  Federation federation(seed, faults, std::move(setup));
  RunResult result = federation.Run(kPatience);
  for (const std::string& violation : result.violations) {
    ADD_FAILURE() << "seed " << seed << ": " << violation;
  }
  EXPECT_TRUE(result.finished) << "seed " << seed << " stands still: " << result.waiting;
  return result;
}

class FederationTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kNoDeadlineMs = 1'000'000'000;

  /// Runs every seed under these faults; each must end with the digest of its undisturbed run.
  Happened ExpectSameDigests(const Faults& faults, std::uint32_t goal, std::int64_t deadline_ms) {
    Happened sum;
    std::map<std::uint64_t, Sha256Digest> quiet;
    for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
      const JobSpec job = JobOf(seed, goal);
      if (!quiet.contains(job.seed)) quiet[job.seed] = Play(job, 0, {}, kNoDeadlineMs).digest;
      const RunResult run = Play(job, seed, faults, deadline_ms);
      EXPECT_EQ(run.digest, quiet[job.seed]) << "seed " << seed;
      Add(sum, run.happened);
    }
    EXPECT_EQ(quiet.size(), kJobSeeds);
    for (const auto& [seed, digest] : quiet) EXPECT_TRUE(seed == 1 || digest != quiet[1]);
    Print(sum);
    return sum;
  }

  static void Add(Happened& sum, const Happened& one) {
    sum.messages += one.messages;
    sum.duplicates += one.duplicates;
    sum.losses += one.losses;
    sum.cuts += one.cuts;
    sum.coordinator_crashes += one.coordinator_crashes;
    sum.participant_crashes += one.participant_crashes;
    sum.stops += one.stops;
    sum.power_cuts += one.power_cuts;
    sum.transfers_resumed += one.transfers_resumed;
    sum.fits += one.fits;
    for (const auto& [phase, count] : one.crashes_in) sum.crashes_in[phase] += count;
  }

  static void Print(const Happened& sum) {
    std::printf(
        "seeds 1 to %llu: %llu messages, %llu doubled, %llu lost, %llu links cut, ",
        static_cast<unsigned long long>(kSeeds), static_cast<unsigned long long>(sum.messages),
        static_cast<unsigned long long>(sum.duplicates),
        static_cast<unsigned long long>(sum.losses), static_cast<unsigned long long>(sum.cuts));
    std::printf("%llu transfers resumed, %llu fits, %llu participants killed, %llu stops, ",
                static_cast<unsigned long long>(sum.transfers_resumed),
                static_cast<unsigned long long>(sum.fits),
                static_cast<unsigned long long>(sum.participant_crashes),
                static_cast<unsigned long long>(sum.stops));
    std::printf("%llu coordinators killed:",
                static_cast<unsigned long long>(sum.coordinator_crashes));
    for (const auto& [phase, count] : sum.crashes_in) {
      std::printf(" %llu in %s", static_cast<unsigned long long>(count), phase.c_str());
    }
    std::printf("\n");
  }
};

TEST_F(FederationTest, ArrivalOrderChangesNoBit) {
  const Happened happened = ExpectSameDigests({}, kParticipants, kNoDeadlineMs);
  EXPECT_EQ(happened.fits, kSeeds * kRounds * kParticipants);
}

TEST_F(FederationTest, DuplicatesAndBrokenTransfersChangeNoBit) {
  const Happened happened =
      ExpectSameDigests({.chances = {{FaultKind::duplicate, 0.05}, {FaultKind::cut, 0.01}}},
                        kParticipants - 1, kNoDeadlineMs);
  if (kSeeds < kSeedsForEveryFault) return;
  EXPECT_GT(happened.duplicates, 0U);
  EXPECT_GT(happened.cuts, 0U);
  EXPECT_GT(happened.transfers_resumed, 0U);
}

TEST_F(FederationTest, LostMessagesChangeNoBit) {
  const Happened happened =
      ExpectSameDigests({.chances = {{FaultKind::duplicate, 0.02}, {FaultKind::lose, 0.02}}},
                        kParticipants, /*deadline_ms=*/30'000);
  EXPECT_GT(happened.losses, 0U);
}

TEST_F(FederationTest, KilledAndStoppedProcessesChangeNoBit) {
  const Happened happened = ExpectSameDigests({.chances = {{FaultKind::duplicate, 0.02},
                                                           {FaultKind::cut, 0.005},
                                                           {FaultKind::crash, 0.015},
                                                           {FaultKind::stop, 0.001}},
                                               .deaths_max = 5},
                                              kParticipants - 1, kNoDeadlineMs);
  if (kSeeds < kSeedsForEveryFault) return;
  EXPECT_GT(happened.participant_crashes, 0U);
  EXPECT_GT(happened.stops, 0U);
  EXPECT_GT(happened.power_cuts, 0U);
  for (const char* phase : {"select", "configure", "report", "commit"}) {
    EXPECT_TRUE(happened.crashes_in.contains(phase)) << "no coordinator died in " << phase;
  }
}

TEST_F(FederationTest, MembersThatStopSendingBlockNobody) {
  // Three places for uploads, two of them with those whose bytes never come: with the first accept
  // the third place goes, and the last one who can deliver has to get one of theirs.
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    JobSpec job = JobOf(seed, kParticipants / 2);
    job.round.over_select = 2;
    const RunResult run = Play(job, seed, {.stalled = {0, 1}}, kNoDeadlineMs);
    EXPECT_LT(run.ended_at, kRounds * 60'000 * kMillisecond) << "seed " << seed;
  }
}

TEST_F(FederationTest, AnUploadThatIsCutGoesOnWhereItStopped) {
  constexpr std::uint64_t kUploadBytes = 4 * limits::kCreditWindowBytes;
  JobSpec job = JobOf(1, 1);
  job.model.parameters = kUploadBytes / sizeof(float);
  for (std::uint64_t seed = 1; seed <= 2 && !HasFailure(); ++seed) {
    const RunResult run = Play(job, seed, {.cut_first_upload_at = kUploadBytes / 2}, kNoDeadlineMs);
    EXPECT_EQ(run.happened.cuts, 1U);
    EXPECT_EQ(run.happened.transfers_resumed, 1U);
    // What was under way is lost and sent again; without a window it would be half of the update.
    EXPECT_GT(run.happened.update_bytes_sent, kRounds * kUploadBytes) << "seed " << seed;
    EXPECT_LE(run.happened.update_bytes_sent, kRounds * kUploadBytes + limits::kCreditWindowBytes)
        << "seed " << seed;
  }
}

TEST_F(FederationTest, OneSeedGivesOneRun) {
  const Faults faults{
      .chances = {{FaultKind::duplicate, 0.02}, {FaultKind::cut, 0.01}, {FaultKind::crash, 0.01}},
      .deaths_max = 3};
  const RunResult first = Play(JobOf(1, kParticipants), 1, faults, kNoDeadlineMs);
  const RunResult second = Play(JobOf(1, kParticipants), 1, faults, kNoDeadlineMs);
  EXPECT_EQ(first.ended_at, second.ended_at);
  EXPECT_EQ(first.happened.messages, second.happened.messages);
  const RunResult other = Play(JobOf(1, kParticipants), 2, faults, kNoDeadlineMs);
  EXPECT_NE(first.ended_at, other.ended_at);
}

}  // namespace
}  // namespace muster::simulator
