#include "tests/checkpoint/samples.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "aggregation/version.h"
#include "common/digest.h"
#include "common/limits.h"
#include "common/random.h"
#include "model/job.h"

namespace muster {

UpdateId SampleId(std::uint32_t salt) {
  return {.lineage = 1, .round = 1 + salt / 100, .slot = salt, .task = salt % 3};
}

JobRecord SampleJob() {
  JobSpec job;
  job.name = "sample";
  job.data.train_examples = 1000;
  job.data.test_examples = 100;
  return {.job = EncodeJob(job), .digest = JobDigest(job), .trainer_deterministic = false};
}

RosterEntry SampleRosterEntry(RosterIndex index) {
  RosterEntry entry{.index = index, .name = "member-" + std::to_string(index)};
  entry.key.bytes.fill(static_cast<std::byte>(index + 1));
  entry.revoked = index % 2 == 1;
  return entry;
}

OpenRound SampleOpenRound(Round round) {
  return {.round = round,
          .parent = round - 1,
          .attempt = 2,
          .eligible = {0, 1, 2},
          .first_drawn = {0, 2},
          .cohort = {0, 2, 1},
          .bound_raise = 3,
          .deadline_consumed_ms = 1234};
}

AcceptedUpdate SampleAccepted(std::uint32_t salt) {
  AcceptedUpdate update{.id = SampleId(salt), .weight = 600 + salt, .base_version = 4};
  update.counts_in = update.id.round;
  update.digest.fill(static_cast<std::byte>(salt));
  update.from = salt;
  update.attempt = 2;
  update.extent.index = salt + 7;
  return update;
}

RoundRecord SampleRoundRecord(Version version) {
  RoundRecord record{.round = version, .version = version, .parent = version - 1, .lineage = 1};
  record.eligible = {0, 1};
  record.first_drawn = {1};
  record.accepted = {{.id = SampleId(1), .weight = 9, .base_version = version - 1}};
  record.weight_sum = 9;
  record.bound_raise = 1;
  record.scales = {{.bound_log2 = -3, .scale_log2 = 40}};
  record.digest.fill(static_cast<std::byte>(version));
  record.attempts = 2;
  record.closed_by_deadline = true;
  return record;
}

UpdateFate SampleFate(Slot slot, Version version) {
  UpdateFate fate{.id = SampleId(slot), .committed = true, .version = version};
  fate.digest.fill(static_cast<std::byte>(slot));
  return fate;
}

EvaluationRecord SampleEvaluation(Version version) {
  return {.version = version, .examples = 100, .loss = 0.5, .accuracy = 0.75};
}

Bytes SampleContents(Version version, std::size_t size) {
  KeyedStream stream(version, "contents", {});
  Bytes bytes(size);
  // Eight a draw: a draw for each byte was most of what many a test does under a sanitizer.
  for (std::size_t offset = 0; offset < size; offset += sizeof(std::uint64_t)) {
    const std::uint64_t drawn = stream.Next();
    std::memcpy(bytes.data() + offset, &drawn, std::min(sizeof(drawn), size - offset));
  }
  return bytes;
}

VersionManifest SampleManifest(Version version, ByteSpan contents) {
  VersionManifest manifest{.version = version};
  if (!contents.empty())
    manifest.tensors = {{.name = "weights", .dtype = DType::f32, .shape = {contents.size() / 4}}};
  manifest.model_tensor_count = static_cast<std::uint32_t>(manifest.tensors.size());
  manifest.model_bytes = contents.size();
  manifest.total_bytes = contents.size();
  while (!contents.empty()) {
    const std::size_t size = std::min(contents.size(), limits::kVersionChunkBytes);
    manifest.chunk_digests.push_back(Sha256Of(contents.first(size)));
    contents = contents.subspan(size);
  }
  manifest.tensor_max_abs.assign(manifest.model_tensor_count, 1.5F);
  manifest.digest =
      VersionDigest(*ParameterLayout::Create(manifest.tensors), manifest.chunk_digests);
  return manifest;
}

}  // namespace muster
