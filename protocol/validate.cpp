#include <algorithm>
#include <cstdint>
#include <string>
#include <variant>

#include "common/digest.h"
#include "common/limits.h"
#include "common/names.h"
#include "protocol/internal/validate.h"

namespace muster {
namespace {

Error Malformed(std::string what) { return {Reason::malformed_message, std::move(what)}; }

/// A piece of a transfer: neither empty nor beyond what one chunk or any model may have.
Status CheckPiece(std::uint64_t offset, std::uint32_t bytes) {
  if (bytes == 0) return Malformed("bytes is 0");
  if (bytes > limits::kTransferChunkBytesMax) {
    return Error{Reason::too_large, "bytes is " + std::to_string(bytes) + ", a chunk has at most " +
                                        std::to_string(limits::kTransferChunkBytesMax)};
  }
  if (offset > limits::kModelBytesMax - bytes) {
    return Error{Reason::too_large, "offset lies beyond the largest model"};
  }
  return {};
}

Status CheckSize(std::string_view field, std::uint64_t bytes) {
  if (bytes <= limits::kModelBytesMax) return {};
  return Error{Reason::too_large, std::string(field) + " is beyond the largest model"};
}

Status CheckDuration(std::string_view field, std::int64_t duration_ms) {
  if (duration_ms >= 0 && duration_ms <= limits::kDurationMsMax) return {};
  return Malformed(std::string(field) + " is " + std::to_string(duration_ms));
}

Status Check(const Hello& hello) {
  if (hello.protocol_min == 0 || hello.protocol_min > hello.protocol_max) {
    return Malformed("protocol_min and protocol_max are no range");
  }
  if (!IsName(hello.name)) return Malformed("name is no name");
  return {};
}

Status Check(const Welcome& welcome) {
  if (welcome.protocol < kProtocolVersionMin || welcome.protocol > kProtocolVersion) {
    return Error{Reason::protocol_unsupported,
                 "protocol " + std::to_string(welcome.protocol) + " was not offered"};
  }
  if (!IsName(welcome.job_name)) return Malformed("job_name is no name");
  if (welcome.job.size() > limits::kJobBytesMax) {
    return Error{Reason::too_large, "job has " + std::to_string(welcome.job.size()) + " bytes"};
  }
  if (Sha256Of(welcome.job) != welcome.job_digest) {
    return Malformed("job_digest is not the digest of job");
  }
  if (welcome.lineages.empty()) return Malformed("lineages is empty");
  if (welcome.lineages.size() > limits::kLineageHistoryMax) {
    return Error{Reason::too_large,
                 "lineages has " + std::to_string(welcome.lineages.size()) + " entries"};
  }
  if (welcome.index >= limits::kRosterMax) return Malformed("index is beyond the largest roster");
  if (welcome.lease_ms == 0) return Malformed("lease_ms is 0");
  return CheckDuration("lease_ms", welcome.lease_ms);
}

Status Check(const TaskOrder& task) {
  if (task.attempt == 0) return Malformed("attempt is 0");
  if (task.scales.size() > limits::kTensorScalesMax) {
    return Error{Reason::too_large,
                 "scales has " + std::to_string(task.scales.size()) + " entries"};
  }
  const auto sane = [](std::int32_t exponent) {
    return exponent >= -limits::kExponentMagnitudeMax && exponent <= limits::kExponentMagnitudeMax;
  };
  for (const TensorScale& scale : task.scales) {
    if (!sane(scale.bound_log2) || !sane(scale.scale_log2)) {
      return Malformed("scales has an impossible exponent");
    }
  }
  MUSTER_TRY(CheckSize("model_bytes", task.model_bytes));
  return CheckDuration("deadline_ms", task.deadline_ms);
}

Status Check(const Offer& offer) { return CheckSize("bytes", offer.bytes); }

Status Check(const Grant& grant) {
  MUSTER_TRY(CheckSize("offset", grant.offset));
  MUSTER_TRY(CheckSize("credit_bytes", grant.credit_bytes));
  if (grant.chunk_bytes < limits::kTransferChunkBytesMin ||
      grant.chunk_bytes > limits::kTransferChunkBytesMax) {
    return Malformed("chunk_bytes is " + std::to_string(grant.chunk_bytes));
  }
  return {};
}

Status Check(const UploadCredit& credit) { return CheckSize("offset", credit.offset); }

Status Check(const Refused& refused) {
  if (refused.text.size() > limits::kRefusalTextBytesMax) {
    return Error{Reason::too_large, "text has " + std::to_string(refused.text.size()) + " bytes"};
  }
  if (!std::ranges::all_of(refused.text, IsTextCharacter)) {
    return Malformed("text has a character that is not printable");
  }
  return CheckDuration("retry_after_ms", refused.retry_after_ms);
}

Status Check(const ModelRequest& request) { return CheckPiece(request.offset, request.bytes); }
Status Check(const ModelChunk& chunk) { return CheckPiece(chunk.offset, chunk.bytes); }
Status Check(const UpdateChunk& chunk) { return CheckPiece(chunk.offset, chunk.bytes); }

/// The other messages have no field that could be out of range.
template <typename T>
Status Check(const T&) {
  return {};
}

std::size_t PayloadBytesOf(const Message& message) {
  if (const auto* chunk = std::get_if<ModelChunk>(&message)) return chunk->bytes;
  if (const auto* chunk = std::get_if<UpdateChunk>(&message)) return chunk->bytes;
  return 0;
}

}  // namespace

Status ValidateMessage(const Message& message, std::size_t payload_bytes) {
  Status status = std::visit([](const auto& alternative) { return Check(alternative); }, message);
  if (!status.has_value()) {
    return Error{status.error().reason,
                 std::string(MessageName(message)) + ": " + status.error().message};
  }
  if (payload_bytes != PayloadBytesOf(message)) {
    return Malformed(std::string(MessageName(message)) + ": " + std::to_string(payload_bytes) +
                     " raw bytes came, " + std::to_string(PayloadBytesOf(message)) + " were said");
  }
  return {};
}

}  // namespace muster
