// The checker of elastic data refuses a run in which a block is not what it was, and accepts the
// run as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/simulator/judgement.h"

namespace muster::simulator {
namespace {

using ::testing::IsEmpty;

/// Three participants for rounds of four, two and four blocks; the sixth of an epoch has three
/// examples.
CoordinatorSetup MakeElasticSetup() {
  CoordinatorSetup setup = MakeSetup();
  setup.job.data.access = DataAccess::elastic;
  setup.job.data.block_examples = 5;
  setup.job.data.train_examples = 28;
  setup.job.round.select_from = SelectFrom::present;
  setup.job.round.goal = setup.job.round.quorum = 4;
  setup.job.round.over_select = 1;
  return setup;
}

/// Changes the records that the checkers are told of.
Treatment OfRecords(std::function<void(RoundRecord&)> change) {
  return OfMutation<PutRoundRecord>(
      [change = std::move(change)](PutRoundRecord& put) { change(put.record); });
}

TEST(ElasticCheckersTest, ARunThatIsWhatItWasIsAcceptedAndLookedAt) {
  const Judgement judged = Judge({}, MakeElasticSetup());
  EXPECT_THAT(judged.violations, IsEmpty());
  std::uint64_t looks = 0;
  for (const auto& [name, times] : judged.looks) looks += name == "elastic data" ? times : 0;
  EXPECT_GT(looks, 30U);
}

TEST(ElasticCheckersTest, ABlockThatIsMissingIsRefused) {
  ExpectRefused(OfRecords([](RoundRecord& record) {
                  if (record.round == 2) record.accepted.pop_back();
                }),
                "version 2 holds 1 blocks from block 4 of 6 on; it should hold 2",
                MakeElasticSetup());
}

TEST(ElasticCheckersTest, ABlockThatCountsTwiceIsRefused) {
  ExpectRefused(OfRecords([](RoundRecord& record) { record.accepted[1] = record.accepted[0]; }),
                "l1.r1.s0.t0 counts in version 1 in the place of block 1", MakeElasticSetup());
}

TEST(ElasticCheckersTest, ABlockWithTheWeightOfAnotherIsRefused) {
  ExpectRefused(OfRecords([](RoundRecord& record) {
                  if (record.round == 2) record.accepted[1].weight = 5;
                }),
                "l1.r2.s1.t0 counts with weight 5; its block has 3 examples", MakeElasticSetup());
}

TEST(ElasticCheckersTest, AGrantOfABlockThatAnotherHoldsIsRefused) {
  Treatment treatment;
  treatment.effect = [first = std::optional<UpdateId>()](coordinator::Effect& effect) mutable {
    auto* send = std::get_if<coordinator::Send>(&effect);
    if (send == nullptr) return true;
    if (const auto* task = std::get_if<TaskOrder>(&send->message); task && !first) first = task->id;
    auto* grant = std::get_if<Grant>(&send->message);
    if (grant != nullptr && first && grant->id.round == first->round) grant->id = *first;
    return true;
  };
  ExpectRefused(treatment, "is granted l1.r1.s0.t0, which participant", MakeElasticSetup());
}

TEST(ElasticCheckersTest, ALostLeaseThatIsAcceptedIsRefused) {
  Treatment treatment;
  treatment.effect = [](coordinator::Effect& effect) {
    auto* send = std::get_if<coordinator::Send>(&effect);
    const auto* grant = send == nullptr ? nullptr : std::get_if<Grant>(&send->message);
    if (grant != nullptr) send->message = Refused{Reason::lease_lost, grant->id, 0, ""};
    return true;
  };
  ExpectRefused(treatment, "is told that it lost l1.r1.s", MakeElasticSetup());
  ExpectRefused(treatment, "which was told that it lost the block", MakeElasticSetup());
}

}  // namespace
}  // namespace muster::simulator
