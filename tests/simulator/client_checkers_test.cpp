// The checker of client-side state refuses a run in which one state is not what it was, and accepts
// the run as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/simulator/judgement.h"

namespace muster::simulator {
namespace {

using ::testing::IsEmpty;

CoordinatorSetup MakeClientSetup() {
  CoordinatorSetup setup = MakeSetup();
  setup.job.round.mode = Mode::diloco;
  setup.job.train.optimizer = Optimizer::adamw;
  setup.job.train.steps = 10;
  return setup;
}

/// Changes what the checkers are told of a state that a participant saves.
Treatment OfSaved(std::function<void(participant::DurableState&)> change) {
  Treatment treatment;
  treatment.member_effect = [change = std::move(change)](participant::Effect& effect) {
    if (auto* save = std::get_if<participant::SaveState>(&effect)) change(save->state);
    return true;
  };
  return treatment;
}

TEST(ClientCheckersTest, ARunThatIsWhatItWasIsAcceptedAndLookedAt) {
  const Judgement judged = Judge({}, MakeClientSetup());
  EXPECT_THAT(judged.violations, IsEmpty());
  std::uint64_t looks = 0;
  for (const auto& [name, times] : judged.looks) looks += name == "P2 client states" ? times : 0;
  EXPECT_GT(looks, 20U);
}

TEST(ClientCheckersTest, AStateThatMovesOnBeforeTheCommitIsRefused) {
  ExpectRefused(OfSaved([](participant::DurableState& state) {
                  if (!state.retained || !state.retained->client_next) return;
                  state.client = participant::ClientState{state.retained->base_version + 1,
                                                          *state.retained->client_next};
                }),
                "for the current one, and no update that made it counts there", MakeClientSetup());
}

TEST(ClientCheckersTest, AFitThatBeginsAfreshIsRefused) {
  Treatment treatment;
  treatment.member_effect = [](participant::Effect& effect) {
    if (auto* start = std::get_if<participant::StartFit>(&effect)) start->client.reset();
    return true;
  };
  ExpectRefused(treatment, "from a fresh client state, and not from the client state",
                MakeClientSetup());
}

TEST(ClientCheckersTest, AnOfferThatNamesAnotherStateIsRefused) {
  ExpectRefused(OfMutation<PutRoundRecord>([](PutRoundRecord& put) {
                  for (RecordedUpdate& update : put.record.accepted) ++update.client_version;
                }),
                "with bytes that no training of this coordinator's tasks gave", MakeClientSetup());
}

}  // namespace
}  // namespace muster::simulator
