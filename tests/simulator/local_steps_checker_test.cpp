// The checker of what strategies ask of local training accepts runs that are what they were, and
// refuses those whose updates its participants are said to have made otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/simulator/judgement.h"

namespace muster::simulator {
namespace {

JobSpec JobOfKind(StrategyKind kind) {
  JobSpec job = MakeSetup().job;
  job.strategy = {.kind = kind};
  if (kind == StrategyKind::fedprox) job.strategy.proximal_mu = 0.5;
  return job;
}

CoordinatorSetup SetupOfKind(StrategyKind kind) {
  CoordinatorSetup setup = MakeSetup();
  setup.job = JobOfKind(kind);
  return setup;
}

/// Every update is shown with `change` added to the value at `offset`; negative: from the end.
Treatment OfTrained(std::ptrdiff_t offset, float change) {
  Treatment treatment;
  treatment.trained = [=](Bytes& bytes) {
    std::byte* at = offset < 0 ? bytes.data() + bytes.size() + offset : bytes.data() + offset;
    float value = 0;
    std::memcpy(&value, at, sizeof(value));
    value += change;
    std::memcpy(at, &value, sizeof(value));
  };
  return treatment;
}

TEST(LocalStepsChecker, RunsThatAreWhatTheyWereAreAcceptedAndLookedAt) {
  for (const StrategyKind kind :
       {StrategyKind::fedprox, StrategyKind::fednova, StrategyKind::scaffold}) {
    const Judgement judged = Judge({}, SetupOfKind(kind));
    EXPECT_THAT(judged.violations, ::testing::IsEmpty());
    std::uint64_t looks = 0;
    for (const auto& [name, times] : judged.looks) looks += name == "P4 local steps" ? times : 0;
    EXPECT_GE(looks, kRounds * (kParticipants - 1));
  }
}

TEST(LocalStepsChecker, OtherStrategiesAreNotLookedAt) {
  for (const auto& [name, times] : Judge({}).looks) EXPECT_NE(name, "P4 local steps");
}

TEST(LocalStepsChecker, ADeltaThatIsNotHeldBackIsRefused) {
  ExpectRefused(OfTrained(0, 0.016F), "is not held to the round's model at value 0",
                SetupOfKind(StrategyKind::fedprox));
}

TEST(LocalStepsChecker, ADeltaThatIsNotDividedIsRefused) {
  ExpectRefused(OfTrained(4, 0.016F), "is not divided by its steps at value 1",
                SetupOfKind(StrategyKind::fednova));
}

TEST(LocalStepsChecker, AnotherNumberOfStepsIsRefused) {
  ExpectRefused(OfTrained(-64, 1), "steps and says another number",
                SetupOfKind(StrategyKind::fednova));
}

TEST(LocalStepsChecker, AnotherChangeOfTheControlVariateIsRefused) {
  ExpectRefused(OfTrained(1216, 0.5F),
                "moves the server's control variate by another change at "
                "value 0",
                SetupOfKind(StrategyKind::scaffold));
}

TEST(LocalStepsChecker, ADeltaWithoutItsControlVariateIsRefused) {
  ExpectRefused(OfTrained(0, 1), "is not trained with its control variates at value 0",
                SetupOfKind(StrategyKind::scaffold));
  ExpectRefused(OfTrained(0, 0x1p-12F), "makes another control variate at value 0",
                SetupOfKind(StrategyKind::scaffold));
}

}  // namespace
}  // namespace muster::simulator
