#include "cli/run_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::cli {
namespace {

using ::testing::HasSubstr;

TEST(RunRoom, TheParticipantsCopiesMustFitBesideTheCoordinatorsState) {
  const RunDemand demand{{1'000, 2'000, 21, 11}, DemandOfParticipant(JobSpec(), 1'000, 1'000), 4};
  EXPECT_EQ(demand.ByParticipants(), 4U * 3 * 1'000);
  const std::uint64_t total = demand.coordinator.Total() + 12'000;
  EXPECT_EQ(demand.Total(), total);
  EXPECT_TRUE(CheckRunDemand(demand, total, "/state"));
  const Status refused = CheckRunDemand(demand, total - 1, "/state");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::disk_full);
  EXPECT_THAT(refused.error().message, HasSubstr("(run.participants = 4) for 3000 each"));
  EXPECT_THAT(refused.error().message, HasSubstr("asks for " + std::to_string(total)));
}

TEST(RunRoom, ClientSideStateTakesRoomAndUpdatesInMemoryTakeNone) {
  JobSpec job;
  job.train.optimizer = Optimizer::adamw;
  // update.bin and its copy, the position with two moments, client.bin, client.next and a copy.
  EXPECT_EQ(DemandOfParticipant(job, 1'000, 1'000).Total(), 2'000U + 3'000 + 6'000);
  job.train.optimizer = Optimizer::sgd;
  job.round.accept = Accept::memory;
  EXPECT_EQ(DemandOfParticipant(job, 1'000, 1'000).Total(), 1'000U);
}

TEST(RunRoom, ADemandBeyondAllNumbersFitsNowhere) {
  const RunDemand many{{1ULL << 40, 0, 0, 0}, {1ULL << 40, 1ULL << 40, 0}, UINT32_MAX};
  EXPECT_EQ(many.ByParticipants(), UINT64_MAX);
  EXPECT_EQ(many.Total(), UINT64_MAX);
  EXPECT_FALSE(CheckRunDemand(many, UINT64_MAX - 1, "/state"));
}

}  // namespace
}  // namespace muster::cli
