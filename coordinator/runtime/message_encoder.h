// Frames under this coordinator's fence.
#pragma once

#include <cstdint>

#include "common/bytes.h"
#include "protocol/codec.h"
#include "protocol/messages.h"

namespace muster::coordinator {

/// Encodes the messages of one channel. The sequence grows over all its links. Not thread-safe.
class MessageEncoder {
 public:
  MessageEncoder(const Sha256Digest& job_digest, const Fence& fence)
      : header_{JobPrefixOf(job_digest), fence, 0} {}

  Bytes Encode(const Message& message) {
    ++header_.sequence;
    return EncodeMessage(header_, message);
  }

  /// Whether a message is about this job, or its sender knows no job yet.
  bool IsOurJob(const MessageHeader& header) const {
    return header.job == header_.job || header.job == JobPrefix{};
  }

 private:
  MessageHeader header_;
};

}  // namespace muster::coordinator
