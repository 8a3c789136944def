// The checkers of what is trained from, held, evaluated and ended with refuse a run that is not
// what it was, or one of another policy than they were told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

#include "simulator/store/model_volume.h"
#include "tests/simulator/judgement.h"

namespace muster::simulator {
namespace {

using coordinator::Effect;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

CoordinatorSetup Keeping(std::uint64_t last, std::uint64_t every = 0) {
  CoordinatorSetup setup = MakeSetup();
  setup.options.retention = {last, every};
  return setup;
}

CoordinatorSetup Aiming(double accuracy) {
  CoordinatorSetup setup = MakeSetup();
  setup.options.target_accuracy = accuracy;
  return setup;
}

/// The first effect of this kind is shown as `other`.
template <class Kind>
Treatment InPlaceOf(const Effect& other) {
  Treatment treatment;
  treatment.effect = [other, done = false](Effect& effect) mutable {
    if (std::holds_alternative<Kind>(effect) && !std::exchange(done, true)) effect = other;
    return true;
  };
  return treatment;
}

/// The first batch with an accept is seen to end the job, too.
Treatment FinishedWithTheFirstAccept() {
  Treatment treatment;
  treatment.written = [done = false](Batch& batch) mutable {
    if (!All<PutAccepted>(batch).empty() && !std::exchange(done, true)) {
      batch.mutations.push_back(PutFinish{{Reason::finished, 0}});
    }
    return true;
  };
  return treatment;
}

// --- P4: what is trained from --------------------------------------------------------------------

TEST(VersionCheckersTest, ATrainingFromOtherBytesIsRefused) {
  Treatment treatment;
  treatment.base = [](Bytes& bytes) { bytes[0] ^= std::byte{1}; };
  ExpectRefused(treatment, "from another model than its task names");
  ExpectRefused(treatment, "from other bytes than those of version 0");
}

TEST(VersionCheckersTest, ATrainingFromTheVersionBeforeIsRefused) {
  Treatment treatment;
  treatment.base = [first = std::optional<Bytes>()](Bytes& bytes) mutable {
    if (!first) first = bytes;
    bytes = *first;
  };
  ExpectRefused(treatment, "from other bytes than those of version 1");
}

// --- What is held --------------------------------------------------------------------------------

TEST(VersionCheckersTest, WhatIsHeldAsThePolicySaysIsAccepted) {
  for (const auto& setup : {Keeping(0), Keeping(1), Keeping(2), Keeping(1, 2), Aiming(0.1)}) {
    EXPECT_THAT(Judge({}, setup).violations, IsEmpty());
  }
}

TEST(VersionCheckersTest, AVersionThatIsRemovedTooEarlyIsRefused) {
  const Treatment next = OfEffect<coordinator::DropVersion>([](coordinator::DropVersion& drop) {
    ++drop.version;
    return true;
  });
  ExpectRefused(next, "version 1 is removed, and the policy keeps it", Keeping(2));
  EXPECT_THAT(Judge({}, Keeping(1), Keeping(1, 2)).violations,
              Contains(HasSubstr("version 0 is removed, and the policy keeps it")));
}

TEST(VersionCheckersTest, AVersionThatIsMissingIsRefused) {
  EXPECT_THAT(Judge({}, Keeping(1), Keeping(3)).violations,
              Contains(HasSubstr("and at the end it is not held")));
}

TEST(VersionCheckersTest, AVersionThatIsLeftOverIsRefused) {
  EXPECT_THAT(Judge({}, Keeping(10), Keeping(1)).violations,
              Contains(HasSubstr("is held at the end beside version 3, and no policy keeps it")));
}

TEST(VersionCheckersTest, AVersionWithOtherBytesThanRecordedIsRefused) {
  ExpectRefused(
      OfMutation<PutRoundRecord>([](PutRoundRecord& put) { put.record.digest[7] ^= std::byte{1}; }),
      "is held with other bytes than its record has");
}

// --- How it ends ---------------------------------------------------------------------------------

TEST(VersionCheckersTest, AnotherAccuracyIsRefused) {
  ExpectRefused(OfMutation<PutEvaluation>([](PutEvaluation& put) { put.record.accuracy += 1e-6; }),
                "version 1 is evaluated with accuracy");
}

TEST(VersionCheckersTest, AnEndBeforeTheTargetIsRefused) {
  EXPECT_THAT(Judge({}, Aiming(0.1), Aiming(0.999)).violations,
              Contains(HasSubstr("version 1 of 3, which does not reach the target")));
}

TEST(VersionCheckersTest, AJobThatGoesOnPastItsTargetIsRefused) {
  const Judgement judged = Judge({}, MakeSetup(), Aiming(0.1));
  EXPECT_THAT(judged.violations,
              Contains(HasSubstr("version 2 is committed, and the one before reached the target")));
  EXPECT_THAT(judged.violations,
              Contains(HasSubstr("a round opens on version 1, which reaches the target")));
}

TEST(VersionCheckersTest, ACommitAfterTheEndIsRefused) {
  ExpectRefused(FinishedWithTheFirstAccept(), "version 1 is committed after the end of the job");
}

TEST(VersionCheckersTest, AnEndThatAStartForgetsIsRefused) {
  ExpectRefused(FinishedWithTheFirstAccept(), "the end of the job is forgotten by a start");
}

TEST(VersionCheckersTest, AnEndThatIsNotDurableIsRefused) {
  ExpectRefused(Unwritten<PutFinish>(), "ends as finished, and no such end is durable");
}

TEST(VersionCheckersTest, GivingUpWithoutNeedIsRefused) {
  const coordinator::Stop attempts{Reason::attempts_exhausted, ""};
  const coordinator::Stop bound{Reason::bound_exhausted, ""};
  ExpectRefused(InPlaceOf<coordinator::OpenUpload>(attempts), "gives up in attempt 1 of 0");
  ExpectRefused(InPlaceOf<coordinator::OpenUpload>(bound), "with 0 updates too large");
  ExpectRefused(InPlaceOf<coordinator::BuildVersion>(attempts), "with no round open, or with a");
}

// --- Faults --------------------------------------------------------------------------------------

/// A disk that fails, and nobody told it to.
class Faulty : public ModelVolume {
 public:
  using ModelVolume::ModelVolume;
  bool Excuses(Reason failure) const override { return !blamed && ModelVolume::Excuses(failure); }
  bool blamed = false;
};

TEST(VersionCheckersTest, AFailureOfTheDiskWithoutAFaultIsRefused) {
  for (const bool blamed : {false, true}) {
    const auto volume = std::make_shared<Faulty>(1);
    volume->blamed = blamed;
    volume->FailNext(VolumeOperation::spool_sync);
    Federation federation(World(1, {}), volume, MakeSetup());
    const auto violations = federation.Run(kPatience).violations;
    EXPECT_EQ(violations.empty(), !blamed);
    if (blamed) {
      EXPECT_THAT(violations, Contains(HasSubstr("the disk fails without a fault: io_failed")));
    }
  }
}

// --- P9 ------------------------------------------------------------------------------------------

TEST(VersionCheckersTest, AGapOfTheLoopExcusesNoLaterRound) {
  CoordinatorSetup shorter = MakeSetup();
  shorter.options.deadline_ms = 5'000;
  // Every life stands still after its first step.
  int steps = 0;
  Treatment treatment;
  treatment.start = [&](RecoveredState&) { steps = 0; };
  treatment.stepped = [&](MonotonicMs& now) {
    if (++steps == 1) now -= 500'000;
  };
  EXPECT_THAT(Judge(treatment).violations, Not(Contains(HasSubstr("ms of its deadline"))));
  EXPECT_THAT(Judge(treatment, MakeSetup(), shorter).violations,
              Contains(HasSubstr("0 ms of its deadline were over at the start")));
}

}  // namespace
}  // namespace muster::simulator
