// Each checker refuses a run in which one word, batch or message is not what it was, and accepts
// the run as it was. A doctor stands between a real federation and a second set of checkers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "aggregation/ring.h"
#include "common/random.h"
#include "simulator/check/reference.h"
#include "tests/simulator/judgement.h"

namespace muster::simulator {
namespace {

using coordinator::Effect;
using coordinator::Event;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(CheckersTest, ARunThatIsWhatItWasIsAcceptedAndEveryCheckerLooks) {
  const Judgement judged = Judge({});
  EXPECT_THAT(judged.violations, IsEmpty());
  for (const auto& [name, looks] : judged.looks) {
    // One looks at each attempt only.
    EXPECT_GT(looks, name == "adaptive deadlines" ? 3U : 20U) << name;
  }
  EXPECT_EQ(judged.looks.size(), 13U);
}

// --- P1 ------------------------------------------------------------------------------------------

TEST(CheckersTest, AVersionIsToldOfBeforeItsRecordIsDurable) {
  ExpectRefused(Unwritten<PutRoundRecord>(), "before its record is durable");
}

TEST(CheckersTest, ACommitThatIsNotSyncedIsRefused) {
  Treatment treatment;
  treatment.written = [](Batch& batch) {
    if (!All<PutRoundRecord>(batch).empty()) batch.sync = false;
    return true;
  };
  ExpectRefused(treatment, "P1 durable: version 1 is committed by a batch that is not synced");
}

TEST(CheckersTest, ATaskWithAnotherDigestIsRefused) {
  ExpectRefused(OfSent<TaskOrder>([](TaskOrder& task) { task.base_digest[0] ^= std::byte{1}; }),
                "with another digest than recorded");
}

TEST(CheckersTest, AVersionThatIsOtherAfterAStartIsRefused) {
  Treatment treatment =
      OfMutation<PutRoundRecord>([](PutRoundRecord& put) { put.record.digest[0] ^= std::byte{1}; });
  ExpectRefused(treatment, "P1 durable: version 1 was announced and after a start");
}

TEST(CheckersTest, UpdatesGivenUpBeforeTheirVersionIsStoredAreRefused) {
  Treatment treatment;
  treatment.event = [](Event& event) {
    return !std::holds_alternative<coordinator::VersionStored>(event);
  };
  ExpectRefused(treatment, "are given up before its version is stored");
}

// --- P2 ------------------------------------------------------------------------------------------

TEST(CheckersTest, AnUpdateWithAnotherWeightIsRefused) {
  ExpectRefused(OfMutation<PutRoundRecord>([](PutRoundRecord& put) {
                  ++put.record.accepted.front().weight;
                  ++put.record.weight_sum;
                }),
                "it was accepted with weight");
}

TEST(CheckersTest, AnUpdateThatCountsTwiceIsRefused) {
  ExpectRefused(OfMutation<PutRoundRecord>([](PutRoundRecord& put) {
                  put.record.accepted.push_back(put.record.accepted.back());
                }),
                "counts twice");
}

TEST(CheckersTest, AnUpdateThatCountsInTwoVersionsIsRefused) {
  Treatment treatment;
  treatment.written = [first = std::optional<RecordedUpdate>()](Batch& batch) mutable {
    for (Mutation& mutation : batch.mutations) {
      auto* put = std::get_if<PutRoundRecord>(&mutation);
      if (put == nullptr) continue;
      if (first) put->record.accepted.front() = *first;
      first = put->record.accepted.front();
    }
    return true;
  };
  ExpectRefused(treatment, "and in another version");
}

TEST(CheckersTest, AnAcceptedUpdateThatIsMissingIsRefused) {
  ExpectRefused(
      OfMutation<PutRoundRecord>([](PutRoundRecord& put) { put.record.accepted.pop_back(); }),
      "was accepted durably and is missing in version 1");
}

TEST(CheckersTest, AnAckBeforeTheAcceptIsDurableIsRefused) {
  ExpectRefused(Unwritten<PutAccepted>(), "is acknowledged before it is durably accepted");
}

TEST(CheckersTest, AFateThatContradictsTheRecordsIsRefused) {
  ExpectRefused(OfMutation<PutFate>([](PutFate& put) { put.fate.committed = false; }),
                "P2 exactly once: the fate of");
}

TEST(CheckersTest, AnAcceptThatIsGoneAfterAStartIsRefused) {
  Treatment treatment;
  treatment.written = [](Batch& batch) {
    // An accept that no store holds.
    for (const auto* put : All<PutAccepted>(batch)) {
      AcceptedUpdate other = put->update;
      other.id.round = other.counts_in = kRounds + 1;
      batch.mutations.push_back(PutAccepted{other});
      break;
    }
    return true;
  };
  ExpectRefused(treatment, "was accepted durably and after a start is forgotten");
}

// --- P3 ------------------------------------------------------------------------------------------

TEST(CheckersTest, ATrainingAfterTheAcceptIsRefused) {
  // The first training of round 1 is shown as one of round 2 is begun.
  Treatment treatment;
  treatment.member_effect = [first =
                                 std::optional<UpdateId>()](participant::Effect& effect) mutable {
    auto* fit = std::get_if<participant::StartFit>(&effect);
    if (fit == nullptr) return true;
    if (!first) first = fit->id;
    if (fit->id.round == 3) fit->id = *first;
    return true;
  };
  ExpectRefused(treatment, "which was accepted durably");
}

TEST(CheckersTest, AnUpdateThatIsLetGoUnaskedIsRefused) {
  Treatment treatment;
  treatment.member_event = [](participant::Event& event) {
    return !std::holds_alternative<participant::Received>(event);
  };
  ExpectRefused(treatment, "and no message told it to");
}

TEST(CheckersTest, AnUpdateThatIsLetGoBeforeItsCommitIsRefused) {
  ExpectRefused(Unwritten<PutRoundRecord>(), "which is accepted and not committed");
}

// --- P4 ------------------------------------------------------------------------------------------

TEST(CheckersTest, AVersionThatDoesNotFollowFromItsRecordIsRefused) {
  ExpectRefused(
      OfMutation<PutRoundRecord>([](PutRoundRecord& put) { put.record.digest[5] ^= std::byte{1}; }),
      "P4 order-free: version 1 is not the one that follows from its record");
}

TEST(CheckersTest, AnotherScaleIsRefused) {
  ExpectRefused(OfMutation<PutRoundRecord>(
                    [](PutRoundRecord& put) { --put.record.scales.front().scale_log2; }),
                "follow from its parent");
}

TEST(CheckersTest, BytesThatNobodyTrainedOrSentAreRefused) {
  Treatment treatment;
  treatment.trained = treatment.spooled = [](Bytes& bytes) { bytes[0] ^= std::byte{1}; };
  ExpectRefused(treatment, "the spool holds other bytes of an upload than those that were checked");
  ExpectRefused(treatment, "with bytes that nobody trained or sent");
}

TEST(CheckersTest, ATaskWithAnotherModelIsRefused) {
  ExpectRefused(OfSent<TaskOrder>([](TaskOrder& task) { task.model_digest[0] ^= std::byte{1}; }),
                "is to begin with another model");
}

TEST(CheckersTest, TheNaiveRingValueIsTheRings) {
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    KeyedStream random(7, "ring", {i});
    const std::uint64_t weight = 1 + random.Below(1U << 20);
    const TensorScale scale{static_cast<std::int32_t>(random.Below(30)), 0};
    const TensorScale full{scale.bound_log2, 51 - scale.bound_log2 - 20};
    const float value = random.Uniform(-1, 1) *
                        static_cast<float>(1ULL << random.Below(1 + scale.bound_log2)) /
                        static_cast<float>(1ULL << random.Below(40));
    std::uint64_t sum = 0;
    ASSERT_TRUE(FoldTile({&value, 1}, full, weight, {&sum, 1}));
    ASSERT_EQ(static_cast<std::int64_t>(sum), NaiveRingValue(value, weight, full.scale_log2))
        << value << " * " << weight << " * 2^" << full.scale_log2;
  }
}

// --- P6 ------------------------------------------------------------------------------------------

TEST(CheckersTest, AStaleOfferThatIsActedUponIsRefused) {
  ExpectRefused(OfReceived<Offer>([](coordinator::Received& offer) { --offer.fence.epoch.number; }),
                "P6 fenced: a message of another lineage or epoch");
}

TEST(CheckersTest, AMessageWithoutASessionThatIsActedUponIsRefused) {
  ExpectRefused(OfReceived<Offer>([](coordinator::Received& offer) { offer.link += 1'000'000; }),
                "P6 fenced: a message without a session");
}

TEST(CheckersTest, AnEpochThatDoesNotGrowIsRefused) {
  Treatment treatment;
  treatment.start = [](RecoveredState& state) { state.epoch.epoch.number = 1; };
  ExpectRefused(treatment, "P6 fenced: a start has");
}

TEST(CheckersTest, ABatchOfNobodyIsRefused) {
  Treatment treatment;
  treatment.effect = [](Effect& effect) {
    return !std::holds_alternative<coordinator::Persist>(effect);
  };
  ExpectRefused(treatment, "a batch is applied that the running process did not ask for");
}

TEST(CheckersTest, ABatchThatIsNotTheOneAskedForIsRefused) {
  Treatment treatment;
  treatment.written = [](Batch& batch) {
    for (Mutation& mutation : batch.mutations) {
      if (auto* put = std::get_if<PutFate>(&mutation)) put->fate.digest[0] ^= std::byte{1};
    }
    return true;
  };
  ExpectRefused(treatment, "a batch is applied that the running process did not ask for");
}

TEST(CheckersTest, AnAcceptOfARoundThatIsNotOpenIsRefused) {
  ExpectRefused(OfMutation<PutAccepted>([](PutAccepted& put) { --put.update.counts_in; }),
                "P6 fenced: l1.r1.s");
}

TEST(CheckersTest, AParticipantThatActsOnAnotherEpochIsRefused) {
  Treatment treatment;
  treatment.member_event = [](participant::Event& event) {
    auto* received = std::get_if<participant::Received>(&event);
    if (received != nullptr && std::holds_alternative<TaskOrder>(received->message)) {
      received->fence.epoch.number = 0;
    }
    return true;
  };
  ExpectRefused(treatment, "acts on a message of l1.e0");
}

TEST(CheckersTest, AParticipantThatGoesBackIsRefused) {
  Treatment treatment;
  treatment.member_effect = [](participant::Effect& effect) {
    auto* save = std::get_if<participant::SaveState>(&effect);
    if (save != nullptr && save->state.seen && save->state.seen->epoch.number > 1) {
      save->state.seen->epoch.number = 0;
    }
    return true;
  };
  ExpectRefused(treatment, "P6 fenced participant: participant");
}

TEST(CheckersTest, AParticipantThatFollowedACopyAndFollowsThisOneIsRefused) {
  Treatment treatment;
  treatment.member_effect = [](participant::Effect& effect) {
    auto* save = std::get_if<participant::SaveState>(&effect);
    if (save != nullptr && save->state.seen && save->state.seen->epoch.number == 1) {
      save->state.seen->epoch.nonce ^= 1;
    }
    return true;
  };
  ExpectRefused(treatment, "has followed another coordinator in l1.e1");
  // A garbled hello excuses whose it was, and nobody else.
  Happened happened{.garbled = 1, .garbled_hellos = {ActorOf(kParticipants)}};
  EXPECT_THAT(Judge(treatment, MakeSetup(), std::nullopt, happened).violations,
              Contains(HasSubstr("has followed another coordinator in l1.e1")));
  for (RosterIndex i = 0; i < kParticipants; ++i) happened.garbled_hellos.insert(ActorOf(i));
  EXPECT_THAT(Judge(treatment, MakeSetup(), std::nullopt, happened).violations,
              Not(Contains(HasSubstr("has followed another coordinator in l1.e1"))));
}

// --- P8 ------------------------------------------------------------------------------------------

TEST(CheckersTest, AnUnknownKeyThatIsLetInIsRefused) {
  ExpectRefused(
      OfReceived<Hello>([](coordinator::Received& hello) { hello.identity.bytes.fill({}); }),
      "P8 closed door: a key that may not come in brings about");
}

TEST(CheckersTest, WorkForTheRevokedIsRefused) {
  Treatment treatment;
  treatment.start = [](RecoveredState& state) { state.roster.front().revoked = true; };
  ExpectRefused(treatment, "P8 closed door: a key that may not come in brings about Send of");
}

TEST(CheckersTest, ARevocationThatIsNotHeededIsRefused) {
  Treatment treatment;
  treatment.written = [](Batch& batch) {
    RosterEntry entry = MakeRoster(1).front();
    entry.revoked = true;
    if (!All<PutAccepted>(batch).empty()) batch.mutations.push_back(PutRosterEntry{entry});
    return true;
  };
  ExpectRefused(treatment, "goes to participant 0, which is revoked");
}

TEST(CheckersTest, AnAcceptOfAnothersSlotIsRefused) {
  ExpectRefused(OfMutation<PutAccepted>([](PutAccepted& put) { put.update.from += 1; }),
                "P8 closed door: l1.r1.s");
}

TEST(CheckersTest, AGrantToAnotherIsRefused) {
  ExpectRefused(OfSent<Grant>([](Grant& grant) { grant.id.slot += 1; }), "goes to another's link");
}

TEST(CheckersTest, AWordToTheOperatorThatIsNotKeptIsRefused) {
  // Once there is a spool the operator asks; in place of the next accept it is told that all is
  // done.
  bool asked = false;
  bool told = false;
  Treatment treatment;
  treatment.event = [&](Event& event) {
    if (std::holds_alternative<coordinator::SpoolPrepared>(event) && !std::exchange(asked, true)) {
      event = coordinator::RevokeRequested{7, "site-2"};
    }
    return true;
  };
  treatment.effect = [&](Effect& effect) {
    if (asked && Sent<Accepted>(effect) != nullptr && !std::exchange(told, true)) {
      effect = coordinator::AnswerAdmin{.ticket = 7};
    }
    return true;
  };
  const std::vector<std::string> violations = Judge(treatment).violations;
  EXPECT_THAT(violations, Contains(HasSubstr("is told that site-2 is revoked before")));
  EXPECT_THAT(violations, Contains(HasSubstr("revoked; after a start the roster says otherwise")));
}

// --- P9 ------------------------------------------------------------------------------------------

TEST(CheckersTest, AWaitForNothingThatIsUnderWayIsRefused) {
  Treatment treatment;
  treatment.effect = [](Effect& effect) {
    return !std::holds_alternative<coordinator::Persist>(effect);
  };
  ExpectRefused(treatment, "has no deadline, and nothing is under way that ends it");
  treatment = OfEffect<coordinator::BuildVersion>([](const auto&) { return false; });
  ExpectRefused(treatment, "commit waiting for version_built has no deadline, and nothing");
}

TEST(CheckersTest, ADeadlineThatPassesWithoutAMoveIsRefused) {
  Treatment treatment;
  treatment.stepped = [](MonotonicMs& now) { now += 31'000; };
  ExpectRefused(treatment, "has passed, and the tick moved nothing");
}

TEST(CheckersTest, ADeadlineThatAStartForgetsIsRefused) {
  Treatment treatment;
  treatment.start = [](RecoveredState& state) {
    if (state.open_round) state.open_round->deadline_consumed_ms = 29'000;
  };
  ExpectRefused(treatment, "29000 ms of its deadline were over at the start");
}

TEST(CheckersTest, OneWhoIsAwaitedAndNotNamedIsRefused) {
  ExpectRefused(OfMutation<PutOpenRound>([](PutOpenRound& put) { put.round.cohort.push_back(7); }),
                "is awaited, and report waiting for updates does not name its owner");
}

TEST(CheckersTest, AParticipantWithoutATimerIsRefused) {
  Treatment treatment;
  treatment.member_effect = [](participant::Effect& effect) {
    return !std::holds_alternative<participant::ArmTimer>(effect);
  };
  ExpectRefused(treatment, "with no timer, no training and no save under way");
}

// --- The chain -----------------------------------------------------------------------------------

TEST(CheckersTest, AnotherParentIsRefused) {
  ExpectRefused(OfMutation<PutRoundRecord>([](PutRoundRecord& put) { ++put.record.parent; }),
                "version chain: version 1 (parent 1, round 1) follows version 0");
}

TEST(CheckersTest, AnotherSumOfWeightsIsRefused) {
  ExpectRefused(OfMutation<PutRoundRecord>([](PutRoundRecord& put) { ++put.record.weight_sum; }),
                "its updates have");
}

TEST(CheckersTest, AnotherDrawIsRefused) {
  ExpectRefused(
      OfMutation<PutOpenRound>([](PutOpenRound& put) { put.round.first_drawn.pop_back(); }),
      "does not begin with the cohort that job and roster decide");
  ExpectRefused(OfMutation<PutOpenRound>([](PutOpenRound& put) { put.round.eligible.pop_back(); }),
                "draws from others than those who may take part");
}

TEST(CheckersTest, ARecordOfAnotherAttemptIsRefused) {
  ExpectRefused(OfMutation<PutRoundRecord>([](PutRoundRecord& put) { ++put.record.attempts; }),
                "records another draw, attempt or parent than its round had");
}

TEST(CheckersTest, TooFewUpdatesAreRefused) {
  ExpectRefused(
      OfMutation<PutRoundRecord>([](PutRoundRecord& put) { put.record.accepted.pop_back(); }),
      "version chain: version 1 has 1 updates; quorum 2");
}

CoordinatorSetup FoldingSetup() {
  CoordinatorSetup setup = MakeSetup();
  setup.job.round.late = LatePolicy::fold;
  return setup;
}

TEST(CheckersTest, ALateUpdateThatItsRoundDidNotLeaveUnfinishedIsRefused) {
  ExpectRefused(OfMutation<PutRoundRecord>([](PutRoundRecord& put) {
                  if (put.record.round < 2) return;
                  put.record.accepted.front().id.round -= 1;
                }),
                "version chain: version 2 of round 2 and parent 1 holds l1.r1.s", FoldingSetup());
}

TEST(CheckersTest, ARecordThatNamesAnotherSlotUnfinishedIsRefused) {
  ExpectRefused(
      OfMutation<PutRoundRecord>([](PutRoundRecord& put) { put.record.unfinished = {7}; }),
      "version 1 does not name the slots that its round left unfinished", FoldingSetup());
}

// --- Bounds --------------------------------------------------------------------------------------

TEST(CheckersTest, AnExtentThatIsTakenIsRefused) {
  Treatment treatment;
  treatment.effect = [](Effect& effect) {
    if (auto* open = std::get_if<coordinator::OpenUpload>(&effect)) open->extent.index = 0;
    return true;
  };
  ExpectRefused(treatment, "bounds: extent 0 is given out while it holds");
}

TEST(CheckersTest, MoreUploadsThanTheRoundCanTakeAreRefused) {
  Treatment treatment;
  treatment.effect = [](Effect& effect) {
    return !std::holds_alternative<coordinator::CloseUpload>(effect);
  };
  ExpectRefused(treatment, "uploads are granted with");
}

TEST(CheckersTest, AChunkAtAnotherPlaceIsRefused) {
  ExpectRefused(OfEffect<coordinator::StoreChunk>([](coordinator::StoreChunk& chunk) {
                  chunk.offset += 64;
                  return true;
                }),
                "bounds: a chunk at byte 64 is stored after byte 0");
}

TEST(CheckersTest, APayloadThatStaysIsRefused) {
  ExpectRefused(OfEffect<coordinator::StoreChunk>([](const auto&) { return false; }),
                "is neither stored nor dropped in its step");
}

TEST(CheckersTest, AGrantOfMoreThanAWindowIsRefused) {
  ExpectRefused(OfSent<Grant>([](Grant& grant) { grant.credit_bytes *= 2; }),
                "is granted more than a window");
}

TEST(CheckersTest, ModelBytesBeyondTheWindowAreRefused) {
  Treatment treatment;
  treatment.member_effect = [](participant::Effect& effect) {
    auto* bulk = std::get_if<participant::SendBulk>(&effect);
    auto* request = bulk == nullptr ? nullptr : std::get_if<ModelRequest>(&bulk->message);
    if (request != nullptr) request->offset += 1ULL << 30;
    return true;
  };
  ExpectRefused(treatment, "asks for model bytes up to");
}

}  // namespace
}  // namespace muster::simulator
