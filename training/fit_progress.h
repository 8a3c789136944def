// What a trainer keeps of a fit that was cut short, and its bytes: how a preempted participant
// goes on where it stopped.
#pragma once

#include <cstdint>

#include "common/bytes.h"
#include "common/digest.h"
#include "common/error.h"
#include "training/trainer.h"

namespace muster {

/// Whose progress it is: a fit is continued only by the trainer of the same job and part.
struct ProgressOwner {
  Sha256Digest job{};
  std::uint32_t part = 0;
  bool operator==(const ProgressOwner&) const = default;
};

struct FitProgress {
  FitTask task;
  Xxh128Digest base{};             ///< Of the bytes that the fit began from.
  Xxh128Digest client{};           ///< Of the client-side state that it began from.
  std::uint64_t batches_done = 0;  ///< Over all epochs.
  Bytes parameters;                ///< As trained so far; empty for the synthetic trainer.
  Bytes moments;                   ///< Of an optimizer that keeps any, as they are so far.
};

/// magic "MUSTRFIT" | version u32 = 2 | part u32 | job 32 | round u64 | slot u32 | task u32 |
/// base 16 | client 16 | batches_done u64 | parameter bytes u64 | parameters | moment bytes u64 |
/// moments | XXH3-128 of all before. Numbers are little-endian.
Bytes EncodeFitProgress(const FitProgress& progress, const ProgressOwner& owner);

/// The inverse, for `owner`, parameters and moments of these sizes and a fit of `batches_total`.
/// Errors: file_malformed (other bytes, another owner or model, all batches done already).
Result<FitProgress> DecodeFitProgress(ByteSpan bytes, const ProgressOwner& owner,
                                      std::uint64_t parameter_bytes, std::uint64_t moment_bytes,
                                      std::uint64_t batches_total);

}  // namespace muster
