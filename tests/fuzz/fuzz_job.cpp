// Bytes that claim to be a job: an error, or a valid job with exactly these bytes.
#include "model/job.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace muster;
  const ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  const Result<JobSpec> job = DecodeJob(bytes);
  if (!job) {
    MUSTER_CHECK(!job.error().message.empty(), "a refusal says why");
    return 0;
  }
  MUSTER_CHECK(ValidateJob(*job).has_value(), "decoded jobs are valid");
  const Bytes again = EncodeJob(*job);
  MUSTER_CHECK(AsText(again) == AsText(bytes), "a job has one encoding");
  return 0;
}
