// Bytes that claim to be a stored record: an error that says why, or a record with exactly these
// bytes. The first byte chooses the kind.
#include <array>
#include <utility>

#include "protocol/record_codec.h"

namespace {

using namespace muster;

template <typename Record>
void Try(ByteSpan bytes) {
  const auto record = DecodeRecord<Record>(bytes);
  if (!record) {
    MUSTER_CHECK(!record.error().message.empty(), "a refusal says why");
    return;
  }
  MUSTER_CHECK(AsText(EncodeRecord(*record)) == AsText(bytes), "a record has one encoding");
}

constexpr std::array kTries = {
    &Try<LineageRecord>, &Try<JobRecord>,        &Try<EpochRecord>,  &Try<RosterEntry>,
    &Try<OpenRound>,     &Try<AcceptedUpdate>,   &Try<RoundRecord>,  &Try<VersionManifest>,
    &Try<UpdateFate>,    &Try<EvaluationRecord>, &Try<FinishRecord>, &Try<Epoch>,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  kTries[data[0] % kTries.size()](ByteSpan(reinterpret_cast<const std::byte*>(data) + 1, size - 1));
  return 0;
}
