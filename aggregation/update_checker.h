// Checks the bytes of one update while they arrive.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/bytes.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/ids.h"
#include "model/parameter_set.h"

namespace muster {

/// What a whole update is like. A core decides on these, never on the bytes.
struct UpdateSummary {
  std::uint64_t bytes = 0;            ///< Taken so far; the update is whole at total_bytes().
  Xxh128Digest digest{};              ///< Of all of them.
  bool finite = true;                 ///< No NaN and no infinity.
  bool gaps_zero = true;              ///< The bytes between tensors are zero.
  std::vector<float> tensor_max_abs;  ///< One a tensor; means something only if `finite`.
};

/// One object per transfer; not thread-safe. Holds no byte of the update but a split float.
class UpdateChecker {
 public:
  /// Errors: unsupported (a tensor that is not f32).
  static Result<UpdateChecker> Create(ParameterLayout layout);

  /// Takes the bytes that follow those taken so far; chunks may be cut anywhere. NaN and infinity
  /// are reported with the chunk that completes the value.
  /// Errors: size_mismatch (more than the layout has; nothing is taken), not_finite,
  /// malformed_message (a byte between tensors is not zero). The last two are reported by every
  /// later call as well; Summary() shows both.
  Status Add(ByteSpan chunk);

  /// Of the bytes taken so far.
  UpdateSummary Summary() const;

 private:
  explicit UpdateChecker(ParameterLayout layout);

  /// Scans bytes that begin at position_ and end at or before the end of the current tensor or gap.
  void ScanValues(ByteSpan bytes);
  void ScanGap(ByteSpan bytes);
  Status FirstFault() const;

  ParameterLayout layout_;
  std::unique_ptr<Xxh128> digest_ = std::make_unique<Xxh128>();  ///< On the heap: movable.
  std::uint64_t position_ = 0;                                   ///< Bytes taken.
  std::size_t tensor_ = 0;  ///< The tensor that position_ lies in, or in the gap behind.
  std::array<std::byte, sizeof(float)> split_{};  ///< The first bytes of a float cut by chunks.
  std::vector<std::uint32_t> largest_bits_;       ///< One a tensor.
  std::size_t not_finite_tensor_;                 ///< The first with NaN or infinity, or the count.
  bool gaps_zero_ = true;
};

}  // namespace muster
