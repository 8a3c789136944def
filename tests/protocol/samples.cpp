#include "tests/protocol/samples.h"

#include "common/digest.h"

namespace muster {
namespace {

UpdateId SampleId() { return {.lineage = 1, .round = 7, .slot = 3, .task = 2}; }

SeenState SampleSeen() {
  return {.lineage = {.number = 2, .nonce = 22}, .epoch = {.number = 5, .nonce = 55}, .version = 6};
}

Welcome SampleWelcome() {
  Welcome welcome;
  welcome.job_name = "digits-10";
  welcome.job = Bytes(300, std::byte{0x4a});
  welcome.job_digest = Sha256Of(welcome.job);
  welcome.lineages = {{{1, 11}, 0, 0}, {{2, 22}, 1, 40}};
  welcome.epoch = {.number = 5, .nonce = 55};
  welcome.head = 41;
  welcome.index = 9;
  welcome.lease_ms = 10'000;
  welcome.retained = Hello::Retained{SampleId(), Counting<16>(0x20)};
  welcome.retained_fate = Welcome::RetainedFate::dropped;
  welcome.retained_reason = Reason::already_accepted;
  return welcome;
}

}  // namespace

Refused BusyWith(std::string text) {
  Refused refused;
  refused.reason = Reason::busy;
  refused.text = std::move(text);
  return refused;
}

MessageHeader SampleHeader() {
  return {.job = Counting<8>(0x10),
          .fence = {.lineage = 2, .epoch = {.number = 5, .nonce = 0x1122334455667788}},
          .sequence = 42};
}

std::vector<Message> SampleMessages() {
  const UpdateId id = SampleId();
  const auto digest = Counting<16>(0x20);
  return {
      Hello{.protocol_min = 1,
            .protocol_max = 3,
            .seals = {BulkSeal::aes_256_gcm},
            .name = "hospital-3",
            .incarnation = {Counting<16>(0x30)},
            .seen = SampleSeen(),
            .job = Counting<32>(0x40),
            .retained = Hello::Retained{id, digest}},
      LeaseRenew{},
      Offer{.id = id,
            .digest = digest,
            .bytes = 4096,
            .weight = 600,
            .base_version = 6,
            .client_version = 4},
      Leave{Reason::superseded},
      RefuseCoordinator{Reason::split_brain, SampleSeen()},
      SampleWelcome(),
      LeaseAck{},
      TaskOrder{.id = id,
                .attempt = 2,
                .base_version = 6,
                .base_digest = Counting<32>(0x50),
                .model_digest = Counting<16>(0x60),
                .model_bytes = 8192,
                .scales = {{3, 28}, {-2, 33}},
                .deadline_ms = 30'000},
      Grant{
          .id = id, .digest = digest, .offset = 64, .credit_bytes = 1 << 20, .chunk_bytes = 65536},
      UploadCredit{.id = id, .offset = 2048},
      Accepted{.id = id, .digest = digest},
      Committed{.id = id, .version = 8},
      Refused{.reason = Reason::busy, .id = id, .retry_after_ms = 50, .text = "all extents taken"},
      JobFinished{.reason = Reason::finished, .version = 100},
      BulkHello{.incarnation = {Counting<16>(0x30)}},
      ModelRequest{.version = 6, .offset = 1024, .bytes = 512},
      ModelChunk{.version = 6, .offset = 1024, .bytes = 512, .checksum = 0xabcdef},
      UpdateChunk{.id = id, .offset = 1024, .bytes = 512, .checksum = 0xfedcba},
  };
}

std::size_t PayloadBytes(const Message& message) {
  if (const auto* chunk = std::get_if<ModelChunk>(&message)) return chunk->bytes;
  if (const auto* chunk = std::get_if<UpdateChunk>(&message)) return chunk->bytes;
  return 0;
}

Records SampleRecords() {
  const UpdateId id = SampleId();
  const auto digest = Counting<16>(0x20);
  return {
      LineageRecord{.id = {2, 22}, .parent_number = 1, .fork_version = 40},
      JobRecord{.job = Bytes(20, std::byte{0x4a}),
                .digest = Counting<32>(1),
                .trainer_deterministic = false},
      EpochRecord{.epoch = {5, 55}, .starts = 6},
      RosterEntry{.index = 9, .name = "hospital-3", .key = {Counting<32>(2)}, .revoked = true},
      OpenRound{.round = 7,
                .parent = 6,
                .attempt = 2,
                .eligible = {0, 1, 2, 3},
                .first_drawn = {1, 3},
                .cohort = {1, 3, 0},
                .bound_raise = 1,
                .deadline_ms = 4000,
                .deadline_consumed_ms = 1500},
      AcceptedUpdate{.id = id,
                     .counts_in = 9,
                     .digest = digest,
                     .weight = 600,
                     .base_version = 6,
                     .client_version = 4,
                     .from = 3,
                     .attempt = 2,
                     .extent = {4}},
      RoundRecord{.round = 7,
                  .version = 8,
                  .parent = 6,
                  .lineage = 2,
                  .eligible = {0, 1, 2, 3},
                  .first_drawn = {1, 3},
                  .accepted = {{id, digest, 600, 112, 6, 4}},
                  .weight_sum = 601,
                  .unfinished = {3},
                  .bound_raise = 1,
                  .scales = {{3, 28}, {-2, 33}},
                  .digest = Counting<32>(3),
                  .attempts = 2,
                  .closed_by_deadline = true,
                  .deadline_ms = 5000},
      VersionManifest{.version = 8,
                      .digest = Counting<32>(3),
                      .tensors = {{"w", DType::f32, {4, 5}}, {"momentum.w", DType::f64, {20}}},
                      .model_tensor_count = 1,
                      .model_bytes = 128,
                      .total_bytes = 320,
                      .chunk_digests = {Counting<32>(4)},
                      .tensor_max_abs = {0.5F}},
      UpdateFate{.id = id,
                 .digest = digest,
                 .committed = true,
                 .version = 8,
                 .reason = Reason::already_accepted},
      EvaluationRecord{.version = 8, .examples = 10'000, .loss = 0.25, .accuracy = 0.97},
      FinishRecord{.reason = Reason::attempts_exhausted, .version = 100},
      Epoch{.number = 4, .nonce = 44},
  };
}

}  // namespace muster
