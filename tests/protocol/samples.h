// One message of each type and one record of each kind, every field set to something of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

#include "common/bytes.h"
#include "protocol/codec.h"
#include "protocol/records.h"

namespace muster {

/// Bytes 0x01, 0x02, ... from `first`.
template <std::size_t N>
std::array<std::byte, N> Counting(std::uint8_t first) {
  std::array<std::byte, N> bytes{};
  for (std::size_t i = 0; i < N; ++i) bytes[i] = static_cast<std::byte>(first + i);
  return bytes;
}

MessageHeader SampleHeader();
/// In the order of the variant, all valid.
std::vector<Message> SampleMessages();
/// The raw bytes that travel beside the message.
std::size_t PayloadBytes(const Message& message);

/// The sample of one type.
template <typename T>
T Sample() {
  for (Message& message : SampleMessages()) {
    if (auto* sample = std::get_if<T>(&message)) return std::move(*sample);
  }
  CheckFailed(__FILE__, __LINE__, "sample", "every type has a sample");
}

/// A refusal as `busy`.
Refused BusyWith(std::string text);

using Records =
    std::tuple<LineageRecord, JobRecord, EpochRecord, RosterEntry, OpenRound, AcceptedUpdate,
               RoundRecord, VersionManifest, UpdateFate, EvaluationRecord, FinishRecord, Epoch>;
Records SampleRecords();

}  // namespace muster
