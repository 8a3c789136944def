// Every field is in the bytes: changing one changes them. With the round trip this shows that no
// field is lost on the way.
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "protocol/codec.h"
#include "protocol/record_codec.h"
#include "tests/protocol/samples.h"

namespace muster {
namespace {

template <typename T>
using Changes = std::vector<std::function<void(T&)>>;

template <typename T>
void ExpectMessageFields(const Changes<T>& changes) {
  const Bytes before = EncodeMessage({}, Sample<T>());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    T message = Sample<T>();
    changes[i](message);
    EXPECT_NE(EncodeMessage({}, message), before) << MessageName(message) << " field " << i;
  }
}

template <typename T>
void ExpectRecordFields(const Changes<T>& changes) {
  const T sample = std::get<T>(SampleRecords());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    T record = sample;
    changes[i](record);
    EXPECT_NE(EncodeRecord(record), EncodeRecord(sample)) << "field " << i;
  }
}

#define FIELD(T, change) [](T& m) { m.change; }

TEST(Field, OfParticipantsControlMessagesAllTravel) {
  ExpectMessageFields<Hello>(
      {FIELD(Hello, protocol_min = 2), FIELD(Hello, protocol_max = 2), FIELD(Hello, seals.clear()),
       FIELD(Hello, name = "b"), FIELD(Hello, incarnation.bytes[3] = std::byte{0}),
       FIELD(Hello, seen.reset()), FIELD(Hello, seen->lineage.number = 9),
       FIELD(Hello, seen->lineage.nonce = 9), FIELD(Hello, seen->epoch.number = 9),
       FIELD(Hello, seen->epoch.nonce = 9), FIELD(Hello, seen->version = 9),
       FIELD(Hello, job.reset()), FIELD(Hello, retained.reset()),
       FIELD(Hello, retained->id.slot = 9), FIELD(Hello, retained->digest[1] = std::byte{0})});
  ExpectMessageFields<Offer>(
      {FIELD(Offer, id.lineage = 9), FIELD(Offer, id.round = 9), FIELD(Offer, id.slot = 9),
       FIELD(Offer, id.task = 9), FIELD(Offer, digest[0] = std::byte{0}), FIELD(Offer, bytes = 9),
       FIELD(Offer, weight = 9), FIELD(Offer, base_version = 9), FIELD(Offer, client_version = 9)});
  ExpectMessageFields<Leave>({FIELD(Leave, reason = Reason::left)});
  ExpectMessageFields<RefuseCoordinator>({FIELD(RefuseCoordinator, reason = Reason::wrong_job),
                                          FIELD(RefuseCoordinator, seen.reset())});
}

TEST(Field, OfCoordinatorsControlMessagesAllTravel) {
  ExpectMessageFields<Welcome>({FIELD(Welcome, protocol = 1),
                                FIELD(Welcome, seal = static_cast<BulkSeal>(1)),
                                FIELD(Welcome, job_name = "b"),
                                FIELD(Welcome, job.pop_back()),
                                FIELD(Welcome, job_digest[0] ^= std::byte{1}),
                                FIELD(Welcome, lineages.pop_back()),
                                FIELD(Welcome, lineages[1].id.number = 9),
                                FIELD(Welcome, lineages[1].id.nonce = 9),
                                FIELD(Welcome, lineages[1].parent_number = 9),
                                FIELD(Welcome, lineages[1].fork_version = 9),
                                FIELD(Welcome, epoch.number = 9),
                                FIELD(Welcome, head = 9),
                                FIELD(Welcome, index = 8),
                                FIELD(Welcome, lease_ms = 9),
                                FIELD(Welcome, retained.reset()),
                                FIELD(Welcome, retained->id.round = 9),
                                FIELD(Welcome, retained->digest[0] = std::byte{0}),
                                FIELD(Welcome, retained_fate = Welcome::RetainedFate::none),
                                FIELD(Welcome, retained_reason = Reason::round_closed),
                                FIELD(Welcome, retained_version = 9)});
  ExpectMessageFields<TaskOrder>(
      {FIELD(TaskOrder, id.round = 9), FIELD(TaskOrder, attempt = 9),
       FIELD(TaskOrder, base_version = 9), FIELD(TaskOrder, base_digest[0] = std::byte{0}),
       FIELD(TaskOrder, model_digest[0] = std::byte{0}), FIELD(TaskOrder, model_bytes = 9),
       FIELD(TaskOrder, scales.pop_back()), FIELD(TaskOrder, scales[0].bound_log2 = 9),
       FIELD(TaskOrder, scales[0].scale_log2 = 9), FIELD(TaskOrder, deadline_ms = 9)});
  ExpectMessageFields<Grant>({FIELD(Grant, id.round = 9), FIELD(Grant, digest[0] = std::byte{0}),
                              FIELD(Grant, offset = 9), FIELD(Grant, credit_bytes = 9),
                              FIELD(Grant, chunk_bytes = 9)});
  ExpectMessageFields<UploadCredit>(
      {FIELD(UploadCredit, id.round = 9), FIELD(UploadCredit, offset = 9)});
  ExpectMessageFields<Accepted>(
      {FIELD(Accepted, id.round = 9), FIELD(Accepted, digest[0] = std::byte{0})});
  ExpectMessageFields<Committed>({FIELD(Committed, id.round = 9), FIELD(Committed, version = 9)});
  ExpectMessageFields<Refused>({FIELD(Refused, reason = Reason::draining),
                                FIELD(Refused, id.reset()), FIELD(Refused, retry_after_ms = 9),
                                FIELD(Refused, text = "b")});
  ExpectMessageFields<JobFinished>(
      {FIELD(JobFinished, reason = Reason::cancelled), FIELD(JobFinished, version = 9)});
}

TEST(Field, OfBulkMessagesAllTravel) {
  ExpectMessageFields<BulkHello>({FIELD(BulkHello, incarnation.bytes[0] = std::byte{0})});
  ExpectMessageFields<ModelRequest>({FIELD(ModelRequest, version = 9),
                                     FIELD(ModelRequest, offset = 9),
                                     FIELD(ModelRequest, bytes = 9)});
  ExpectMessageFields<ModelChunk>({FIELD(ModelChunk, version = 9), FIELD(ModelChunk, offset = 9),
                                   FIELD(ModelChunk, bytes = 9), FIELD(ModelChunk, checksum = 9)});
  ExpectMessageFields<UpdateChunk>({FIELD(UpdateChunk, id.slot = 9), FIELD(UpdateChunk, offset = 9),
                                    FIELD(UpdateChunk, bytes = 9),
                                    FIELD(UpdateChunk, checksum = 9)});
}

TEST(Field, OfTheRoundsRecordsAreAllStored) {
  ExpectRecordFields<OpenRound>(
      {FIELD(OpenRound, round = 9), FIELD(OpenRound, parent = 9), FIELD(OpenRound, attempt = 9),
       FIELD(OpenRound, eligible.pop_back()), FIELD(OpenRound, first_drawn[0] = 9),
       FIELD(OpenRound, cohort[2] = 9), FIELD(OpenRound, bound_raise = 9),
       FIELD(OpenRound, deadline_ms = 9), FIELD(OpenRound, deadline_consumed_ms = 9)});
  ExpectRecordFields<AcceptedUpdate>(
      {FIELD(AcceptedUpdate, id.task = 9), FIELD(AcceptedUpdate, counts_in = 8),
       FIELD(AcceptedUpdate, digest[0] = std::byte{0}), FIELD(AcceptedUpdate, weight = 9),
       FIELD(AcceptedUpdate, base_version = 9), FIELD(AcceptedUpdate, client_version = 9),
       FIELD(AcceptedUpdate, from = 9), FIELD(AcceptedUpdate, attempt = 9),
       FIELD(AcceptedUpdate, extent.index = 9)});
  ExpectRecordFields<RoundRecord>(
      {FIELD(RoundRecord, round = 9), FIELD(RoundRecord, version = 9),
       FIELD(RoundRecord, parent = 9), FIELD(RoundRecord, lineage = 9),
       FIELD(RoundRecord, eligible[0] = 9), FIELD(RoundRecord, first_drawn[0] = 9),
       FIELD(RoundRecord, accepted.clear()), FIELD(RoundRecord, accepted[0].weight = 9),
       FIELD(RoundRecord, accepted[0].base_version = 9),
       FIELD(RoundRecord, accepted[0].client_version = 9),
       FIELD(RoundRecord, accepted[0].digest[0] = std::byte{0}), FIELD(RoundRecord, weight_sum = 9),
       FIELD(RoundRecord, unfinished[0] = 9), FIELD(RoundRecord, bound_raise = 9),
       FIELD(RoundRecord, scales[1].scale_log2 = 9), FIELD(RoundRecord, digest[0] = std::byte{0}),
       FIELD(RoundRecord, attempts = 9), FIELD(RoundRecord, closed_by_deadline = false),
       FIELD(RoundRecord, deadline_ms = 9)});
  ExpectRecordFields<UpdateFate>(
      {FIELD(UpdateFate, id.slot = 9), FIELD(UpdateFate, digest[0] = std::byte{0}),
       FIELD(UpdateFate, committed = false), FIELD(UpdateFate, version = 9),
       FIELD(UpdateFate, reason = Reason::round_closed)});
}

TEST(Field, OfTheOtherRecordsAreAllStored) {
  ExpectRecordFields<LineageRecord>(
      {FIELD(LineageRecord, id.number = 9), FIELD(LineageRecord, id.nonce = 9),
       FIELD(LineageRecord, parent_number = 9), FIELD(LineageRecord, fork_version = 9)});
  ExpectRecordFields<JobRecord>({FIELD(JobRecord, job.pop_back()),
                                 FIELD(JobRecord, digest[0] = std::byte{0}),
                                 FIELD(JobRecord, trainer_deterministic = true)});
  ExpectRecordFields<EpochRecord>({FIELD(EpochRecord, epoch.number = 9),
                                   FIELD(EpochRecord, epoch.nonce = 9),
                                   FIELD(EpochRecord, starts = 9)});
  ExpectRecordFields<Epoch>({FIELD(Epoch, number = 9), FIELD(Epoch, nonce = 9)});
  ExpectRecordFields<RosterEntry>({FIELD(RosterEntry, index = 8), FIELD(RosterEntry, name = "b"),
                                   FIELD(RosterEntry, key.bytes[0] = std::byte{0}),
                                   FIELD(RosterEntry, revoked = false)});
  ExpectRecordFields<VersionManifest>(
      {FIELD(VersionManifest, version = 9), FIELD(VersionManifest, digest[0] = std::byte{0}),
       FIELD(VersionManifest, tensors[0].name = "b"),
       FIELD(VersionManifest, tensors[0].dtype = DType::i64),
       FIELD(VersionManifest, tensors[0].shape[1] = 9),
       FIELD(VersionManifest, model_tensor_count = 2), FIELD(VersionManifest, model_bytes = 9),
       FIELD(VersionManifest, total_bytes = 999), FIELD(VersionManifest, chunk_digests.clear()),
       FIELD(VersionManifest, tensor_max_abs[0] = 9)});
  ExpectRecordFields<EvaluationRecord>(
      {FIELD(EvaluationRecord, version = 9), FIELD(EvaluationRecord, examples = 9),
       FIELD(EvaluationRecord, loss = 9), FIELD(EvaluationRecord, accuracy = 9)});
  ExpectRecordFields<FinishRecord>(
      {FIELD(FinishRecord, reason = Reason::finished), FIELD(FinishRecord, version = 9)});
}

#undef FIELD

}  // namespace
}  // namespace muster
