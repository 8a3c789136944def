#include "protocol/record_codec.h"

#include <exception>
#include <string>

#include "common/limits.h"
#include "common/names.h"
#include "protocol/internal/record_fields.h"

namespace muster {
namespace {

Error Damage(std::string what) {
  return {Reason::damage, "a stored record is not what was written: " + std::move(what)};
}

Status Validate(const JobRecord& record) {
  if (record.job.size() > limits::kJobBytesMax) return Damage("the job is larger than its limit");
  return {};
}
Status Validate(const RosterEntry& entry) {
  if (entry.index >= limits::kRosterMax) return Damage("a roster index is beyond its limit");
  if (!IsName(entry.name)) return Damage("a roster entry has an impossible name");
  return {};
}
Status Validate(const OpenRound& round) {
  if (round.eligible.size() > limits::kRosterMax || round.cohort.size() > limits::kCohortMax ||
      round.first_drawn.size() > limits::kCohortMax) {
    return Damage("the open round lists more members than there can be");
  }
  if (round.deadline_ms < 0 || round.deadline_ms > limits::kDurationMsMax) {
    return Damage("the open round has an impossible deadline");
  }
  return {};
}
Status Validate(const RoundRecord& record) {
  if (record.eligible.size() > limits::kRosterMax ||
      record.first_drawn.size() > limits::kCohortMax ||
      record.unfinished.size() > limits::kCohortMax ||
      record.accepted.size() > limits::kUpdatesPerCommitMax ||
      record.scales.size() > limits::kTensorScalesMax) {
    return Damage("a round record lists more than there can be");
  }
  if (record.deadline_ms < 0 || record.deadline_ms > limits::kDurationMsMax) {
    return Damage("a round record has an impossible deadline");
  }
  return {};
}
Status Validate(const VersionManifest& manifest) {
  if (manifest.tensors.size() > 2 * limits::kTensorsMax ||
      manifest.model_tensor_count > manifest.tensors.size() ||
      manifest.tensor_max_abs.size() > manifest.tensors.size() ||
      manifest.model_bytes > manifest.total_bytes) {
    return Damage("a version manifest contradicts itself");
  }
  return {};
}
/// The other records have no field that could be beyond a limit.
template <typename Record>
Status Validate(const Record&) {
  return {};
}

}  // namespace

template <PersistedRecord Record>
Bytes EncodeRecord(const Record& record) {
  Bytes bytes;
  ByteOutputArchive archive(bytes);
  archive(kRecordFormat, record);
  return bytes;
}

template <PersistedRecord Record>
Result<Record> DecodeRecord(ByteSpan bytes) {
  try {
    SpanInputArchive archive(bytes);
    std::uint8_t format = 0;
    archive(format);
    if (format > kRecordFormat) {
      return Error{Reason::unsupported, "a stored record has format " + std::to_string(format) +
                                            ", this build reads " + std::to_string(kRecordFormat) +
                                            ": use the newer build that wrote it"};
    }
    if (format == 0) return Damage("its format byte is 0");
    if (format < kRecordFormat) {
      return Error{Reason::unsupported, "a stored record has format " + std::to_string(format) +
                                            ", this build reads " + std::to_string(kRecordFormat) +
                                            ": use the older build that wrote it"};
    }
    Record record;
    archive(record);
    if (archive.bytes_left() != 0) return Damage("bytes follow its end");
    MUSTER_TRY(Validate(record));
    return record;
  } catch (const std::exception& error) {
    return Damage(error.what());
  }
}

#define MUSTER_RECORD(Record)                 \
  template Bytes EncodeRecord(const Record&); \
  template Result<Record> DecodeRecord(ByteSpan)
MUSTER_RECORD(LineageRecord);
MUSTER_RECORD(JobRecord);
MUSTER_RECORD(EpochRecord);
MUSTER_RECORD(RosterEntry);
MUSTER_RECORD(OpenRound);
MUSTER_RECORD(AcceptedUpdate);
MUSTER_RECORD(RoundRecord);
MUSTER_RECORD(VersionManifest);
MUSTER_RECORD(UpdateFate);
MUSTER_RECORD(EvaluationRecord);
MUSTER_RECORD(FinishRecord);
MUSTER_RECORD(Epoch);
#undef MUSTER_RECORD

}  // namespace muster
